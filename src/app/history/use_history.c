/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/history/use_history.h"

#include "base/memory.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The next line as an object with as many shares as the first; NULL at the end, or of another. */
static json_t *next_line(FILE *file, char **text, size_t *room, size_t n_experts)
{
    ssize_t length = getline(text, room, file);
    json_t *line = length > 0 ? json_loadb(*text, (size_t)length, 0, NULL) : NULL;
    const json_t *shares = json_object_get(line, "mean_g");
    bool fits = json_is_integer(json_object_get(line, "epoch")) && json_array_size(shares) > 0 &&
                (n_experts == 0 || json_array_size(shares) == n_experts);
    if (fits)
        return line;
    json_decref(line);
    return NULL;
}

static size_t count_lines(FILE *file, size_t *n_experts)
{
    char *text = NULL;
    size_t room = 0, n = 0;
    json_t *line;
    for (; (line = next_line(file, &text, &room, *n_experts)) != NULL; n++) {
        *n_experts = json_array_size(json_object_get(line, "mean_g"));
        json_decref(line);
    }
    free(text);
    rewind(file);
    return n;
}

static void read_lines(FILE *file, struct use_history *use)
{
    char *text = NULL;
    size_t room = 0;
    json_t *line;
    for (size_t i = 0; i < use->n && (line = next_line(file, &text, &room, use->n_experts)); i++) {
        const json_t *shares = json_object_get(line, "mean_g");
        use->epoch[i] = (double)json_integer_value(json_object_get(line, "epoch"));
        for (size_t e = 0; e < use->n_experts; e++) {
            const json_t *share = json_array_get(shares, e);
            use->g[e * use->n + i] = json_is_number(share) ? json_number_value(share) : NAN;
        }
        json_decref(line);
    }
    free(text);
}

status use_history_read(const char *run, struct use_history *use)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/experts.jsonl", run);
    FILE *file = fopen(path, "re");
    if (!file)
        return STATUS_OK;
    use->n = count_lines(file, &use->n_experts);
    status outcome = memory_alloc(&use->epoch, use->n, sizeof(double), "the shares of experts");
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&use->g, use->n * use->n_experts, sizeof(double), "the shares of experts");
    if (outcome == STATUS_OK)
        read_lines(file, use);
    fclose(file);
    return outcome;
}

void use_history_release(struct use_history *use)
{
    memory_free(&use->epoch);
    memory_free(&use->g);
    use->n = 0;
}
