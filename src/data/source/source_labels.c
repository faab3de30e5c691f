/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "data/csv/dictionary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

static int compare_texts(const void *a, const void *b, void *context)
{
    char **item = context;
    return strcmp(item[*(const int32_t *)a], item[*(const int32_t *)b]);
}

static int compare_numbers(const void *a, const void *b, void *context)
{
    char **item = context;
    double x = 0, y = 0;
    is_number(item[*(const int32_t *)a], &x);
    is_number(item[*(const int32_t *)b], &y);
    /* "1" and "1.0" are different names of one number. */
    return x < y ? -1 : x > y ? 1 : compare_texts(a, b, context);
}

status source_sort_names(struct string_list *names, int32_t *code, size_t n)
{
    int32_t *order = NULL, *rank = NULL;
    char **item = NULL;
    double ignored;
    bool numeric = true;
    for (size_t i = 0; i < names->n; i++)
        numeric = numeric && is_number(names->item[i], &ignored);
    status outcome = memory_alloc(&order, names->n, sizeof *order, "class names");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&rank, names->n, sizeof *rank, "class names");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&item, names->n, sizeof *item, "class names");
    if (outcome == STATUS_OK && names->n > 0) {
        for (size_t i = 0; i < names->n; i++)
            order[i] = (int32_t)i;
        qsort_r(order, names->n, sizeof *order, numeric ? compare_numbers : compare_texts,
                names->item);
        for (size_t i = 0; i < names->n; i++) {
            rank[order[i]] = (int32_t)i;
            item[i] = names->item[order[i]];
        }
        memcpy(names->item, item, names->n * sizeof *item);
        for (size_t i = 0; i < n; i++)
            code[i] = rank[code[i]];
    }
    memory_free(&order);
    memory_free(&rank);
    memory_free(&item);
    return outcome;
}

/* Either the texts or the numbers are coded; the other is NULL. */
static status code_all(const struct source *source, const struct string_list *texts,
                       const int64_t *number, struct string_list *names, int32_t **code)
{
    struct dictionary dictionary = {0};
    size_t n = source->info.n;
    COTERIE_ASSERT(number || texts);
    status outcome = memory_alloc(code, n, sizeof **code, "labels or groups");
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++) {
        char text[24];
        if (number && i > 0 && number[i] == number[i - 1]) {
            (*code)[i] = (*code)[i - 1];
            continue;
        }
        if (number)
            snprintf(text, sizeof text, "%" PRId64, number[i]);
        outcome = dictionary_code(&dictionary, number ? text : texts->item[i], &(*code)[i]);
    }
    if (outcome == STATUS_OK)
        outcome = source_sort_names(&dictionary.texts, *code, n);
    if (outcome == STATUS_OK) {
        *names = dictionary.texts;
        dictionary.texts = (struct string_list){0};
    }
    dictionary_release(&dictionary);
    return outcome;
}

status source_code_texts(const struct source *source, const struct string_list *texts,
                         struct string_list *names, int32_t **code)
{
    COTERIE_ASSERT(texts->n == source->info.n);
    return code_all(source, texts, NULL, names, code);
}

status source_code_integers(const struct source *source, const int64_t *number,
                            struct string_list *names, int32_t **code)
{
    return code_all(source, NULL, number, names, code);
}

status source_code_doubles(const struct source *source, const double *number, const char *column,
                           const char *what, struct string_list *names, int32_t **code)
{
    int64_t *whole = NULL;
    char row[SOURCE_ROW_TEXT];
    status outcome = memory_alloc(&whole, source->info.n, sizeof *whole, "labels or groups");
    for (size_t i = 0; i < source->info.n && outcome == STATUS_OK; i++) {
        /* Beyond 2^53 neighbours are one number already. */
        if (!(fabs(number[i]) <= 0x1p53) || number[i] != rint(number[i]))
            outcome =
                status_set(STATUS_USAGE,
                           "%s, %s, %s: %.17g is not a whole number, but %s must be text or "
                           "whole numbers",
                           source->path, source_row_text(source, i, row), column, number[i], what);
        else
            whole[i] = (int64_t)number[i];
    }
    if (outcome == STATUS_OK)
        outcome = code_all(source, NULL, whole, names, code);
    memory_free(&whole);
    return outcome;
}

status source_check_weights(const struct source *source, const char *column)
{
    const double *weight = source->info.weight;
    char row[SOURCE_ROW_TEXT];
    bool any = false;
    for (size_t i = 0; i < source->info.n; i++) {
        if (!(weight[i] >= 0) || !isfinite(weight[i]))
            return status_set(STATUS_USAGE,
                              "%s, %s, %s: the weight %g must be a number of at least 0; correct "
                              "it{, or choose another column with @weight}",
                              source->path, source_row_text(source, i, row), column, weight[i]);
        any = any || weight[i] > 0;
    }
    if (!any)
        return status_set(STATUS_USAGE, "%s, %s: all weights are 0; at least one must be above 0",
                          source->path, column);
    return STATUS_OK;
}
