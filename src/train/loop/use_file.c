/* SPDX-License-Identifier: BSD-3-Clause */
/* experts.jsonl: the share of each expert over the epochs. */
#include "base/fresh_file.h"
#include "base/json_number.h"
#include "train/loop/run_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { FULL = 128 };

static void use_path(const struct run_directory *directory, int64_t start, bool several, char *path,
                     size_t size)
{
    if (several)
        snprintf(path, size, "%s/starts/%lld.experts", directory->path, (long long)start);
    else
        snprintf(path, size, "%s/experts.jsonl", directory->path);
}

static status cannot_write(const char *path)
{
    return status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
}

/* The whole lines of epochs up to `last`, as they are: they begin with it. */
static status copy_lines(const char *path, int64_t last, FILE *to)
{
    FILE *from = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool written = true;
    while (from && written && (length = getline(&line, &room, from)) > 0) {
        long long epoch;
        if (line[length - 1] != '\n' || sscanf(line, "%*c\"epoch\": %lld,", &epoch) != 1 ||
            epoch > last)
            break;
        written = fwrite(line, 1, (size_t)length, to) == (size_t)length;
    }
    free(line);
    if (from)
        fclose(from);
    return written ? STATUS_OK : cannot_write(path);
}

void run_directory_close_use(struct run_directory *directory)
{
    if (directory->use)
        fclose(directory->use);
    directory->use = NULL;
}

status run_directory_open_use(struct run_directory *directory, int64_t start, bool several,
                              int64_t last)
{
    char path[PATH_MAX];
    struct fresh_file file = {0};
    run_directory_close_use(directory);
    use_path(directory, start, several, path, sizeof path);
    status outcome = fresh_file_open(&file, path);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = fresh_file_publish(&file, copy_lines(path, last, file.stream));
    if (outcome != STATUS_OK)
        return outcome;
    directory->use = fopen(path, "ae");
    return directory->use ? STATUS_OK : cannot_write(path);
}

/* All rows at first, then 64 to 128 in each doubling: a file that stays small. */
static bool is_kept(int64_t row)
{
    int64_t distance = 1;
    while (row / distance >= FULL)
        distance *= 2;
    return row % distance == 0;
}

status run_directory_add_use(struct run_directory *directory, int64_t epoch, int64_t row,
                             const struct metrics *metrics)
{
    if (!directory->use || !is_kept(row))
        return STATUS_OK;
    json_t *line = json_object(), *shares = json_array();
    json_object_set_new(line, "epoch", json_integer(epoch));
    for (size_t e = 0; e < metrics->n_experts; e++)
        json_array_append_new(shares, json_number(metrics->use[e] / metrics->weight));
    json_object_set_new(line, "mean_g", shares);
    bool written = json_dumpf(line, directory->use, JSON_REAL_PRECISION(9)) == 0 &&
                   fputc('\n', directory->use) != EOF;
    json_decref(line);
    return written ? STATUS_OK : cannot_write("experts.jsonl");
}

status run_directory_flush_use(struct run_directory *directory)
{
    return directory->use && fflush(directory->use) != 0 ? cannot_write("experts.jsonl")
                                                         : STATUS_OK;
}

void run_directory_keep_use(struct run_directory *directory, int64_t start)
{
    char from[PATH_MAX], to[PATH_MAX];
    run_directory_close_use(directory);
    use_path(directory, start, true, from, sizeof from);
    use_path(directory, start, false, to, sizeof to);
    rename(from, to);
}
