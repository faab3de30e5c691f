/* SPDX-License-Identifier: BSD-3-Clause */
/* Columns of numbers that are codes, of any source: each value becomes an input of 0 and 1. */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "data/csv/dictionary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 4096, ROWS = 4096 };

/* One input: a column as it is, or 1 where it has a value. */
struct coded_input {
    size_t column;
    bool is_code;
    double value;
};

struct coded {
    struct source *inner;      /* as it was opened; owned, but for what `source` holds as well */
    struct coded_input *input; /* (source->info.n_inputs) */
    double *row;               /* (ROWS, inner inputs) */
};

static void release_coded(struct source *source)
{
    struct coded *coded = source->reader;
    source_inner_release(&coded->inner);
    memory_free(&coded->input);
    memory_free(&coded->row);
    memory_free(&source->reader);
}

static status read_coded(struct source *source, size_t first, size_t n, double *x, double *y)
{
    const struct coded *coded = source->reader;
    size_t n_inputs = source->info.n_inputs, width = coded->inner->info.n_inputs;
    size_t n_targets = source->info.n_targets;
    status outcome = STATUS_OK;
    if (!x)
        return coded->inner->read(coded->inner, first, n, NULL, y);
    for (size_t done = 0; done < n && outcome == STATUS_OK; done += ROWS) {
        size_t count = n - done < ROWS ? n - done : ROWS;
        outcome = coded->inner->read(coded->inner, first + done, count, coded->row,
                                     y ? y + done * n_targets : NULL);
        for (size_t i = 0; i < count && outcome == STATUS_OK; i++)
            for (size_t k = 0; k < n_inputs; k++) {
                double value = coded->row[i * width + coded->input[k].column];
                x[(done + i) * n_inputs + k] = coded->input[k].is_code && !isnan(value)
                                                   ? value == coded->input[k].value
                                                   : value;
            }
    }
    return outcome;
}

/* The different values of a column, sorted, as texts. */
static status values_of(struct source *inner, struct coded *coded, size_t column,
                        struct string_list *values)
{
    struct dictionary dictionary = {0};
    size_t width = inner->info.n_inputs;
    status outcome = STATUS_OK;
    for (size_t first = 0; first < inner->info.n && outcome == STATUS_OK; first += ROWS) {
        size_t count = inner->info.n - first < ROWS ? inner->info.n - first : ROWS;
        outcome = inner->read(inner, first, count, coded->row, NULL);
        for (size_t i = 0; i < count && outcome == STATUS_OK; i++) {
            char text[40];
            int32_t code;
            if (isnan(coded->row[i * width + column]))
                continue;
            snprintf(text, sizeof text, "%.17g", coded->row[i * width + column]);
            outcome = dictionary_code(&dictionary, text, &code);
        }
        if (outcome == STATUS_OK && dictionary.texts.n > MOST_VALUES)
            outcome = status_set(STATUS_USAGE,
                                 "%s: '%s' has more than %d different values, too many for "
                                 "@categories",
                                 inner->path, inner->info.input_names.item[column], MOST_VALUES);
    }
    if (outcome == STATUS_OK)
        outcome = source_sort_names(&dictionary.texts, NULL, 0);
    if (outcome == STATUS_OK)
        outcome = string_list_copy(values, &dictionary.texts);
    dictionary_release(&dictionary);
    return outcome;
}

/* The values by which a trained model knows a column. */
static status known_values(const struct string_list *model, const char *column,
                           struct string_list *values)
{
    size_t length = strlen(column);
    status outcome = STATUS_OK;
    for (size_t i = 0; i < model->n && outcome == STATUS_OK; i++)
        if (strncmp(model->item[i], column, length) == 0 && model->item[i][length] == '=')
            outcome = string_list_add(values, model->item[i] + length + 1);
    return outcome;
}

static status add_input(struct source *source, struct coded *coded, size_t column,
                        const char *value)
{
    struct source_info *info = &source->info;
    const char *name = coded->inner->info.input_names.item[column];
    size_t size = strlen(name) + (value ? strlen(value) : 0) + 2, n = info->input_names.n;
    char *text = NULL;
    status outcome = memory_alloc(&text, size, 1, "names of inputs");
    if (outcome == STATUS_OK && (n & (n - 1)) == 0) /* full: the capacity is a power of two */
        outcome = memory_grow(&coded->input, n, n ? 2 * n : 1, sizeof *coded->input, "inputs");
    if (outcome == STATUS_OK) {
        snprintf(text, size, "%s%s%s", name, value ? "=" : "", value ? value : "");
        coded->input[n] =
            (struct coded_input){column, value != NULL, value ? strtod(value, NULL) : 0};
        outcome = string_list_add(&info->input_names, text);
    }
    memory_free(&text);
    return outcome;
}

static status code_column(struct source *source, struct coded *coded, size_t column, bool is_code)
{
    struct string_list values = {0};
    const struct string_list *model = source->asked.model_inputs;
    if (!is_code)
        return add_input(source, coded, column, NULL);
    status outcome = model
                         ? known_values(model, coded->inner->info.input_names.item[column], &values)
                         : values_of(coded->inner, coded, column, &values);
    for (size_t i = 0; i < values.n && outcome == STATUS_OK; i++)
        outcome = add_input(source, coded, column, values.item[i]);
    string_list_release(&values);
    return outcome;
}

/* Puts itself between the source and who reads it. */
static status wrap(struct source *source, struct coded **out)
{
    struct coded *coded = NULL;
    size_t width = source->info.n_inputs;
    status outcome = memory_alloc(&coded, 1, sizeof *coded, "categories");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&coded->row, ROWS * width, sizeof(double), "categories");
    if (outcome == STATUS_OK)
        outcome = source_wrap(source, &coded->inner);
    if (outcome != STATUS_OK) {
        if (coded)
            memory_free(&coded->row);
        memory_free(&coded);
        return outcome;
    }
    source->reader = coded;
    source->read = read_coded;
    source->release = release_coded;
    *out = coded;
    return STATUS_OK;
}

status source_code_categories(struct source *source)
{
    struct string_list names = {0};
    struct coded *coded = NULL;
    status outcome = source_split_names(source, "categories", source->asked.categories, &names);
    for (size_t i = 0; i < names.n && outcome == STATUS_OK; i++) {
        const char *name = names.item[i] + (names.item[i][0] == '/');
        bool known = string_list_find(&source->info.input_names, name) >= 0 ||
                     string_list_find(&source->info.target_names, name) >= 0;
        memmove(names.item[i], name, strlen(name) + 1);
        if (!known && !source->asked.exclude_if_there)
            outcome = source_unknown_name(source, "column", "categories", names.item[i],
                                          &source->info.input_names);
    }
    if (outcome == STATUS_OK)
        outcome = wrap(source, &coded);
    size_t width = outcome == STATUS_OK ? coded->inner->info.n_inputs : 0;
    for (size_t c = 0; c < width && outcome == STATUS_OK; c++)
        outcome =
            code_column(source, coded, c,
                        string_list_find(&names, coded->inner->info.input_names.item[c]) >= 0);
    if (outcome == STATUS_OK)
        source->info.n_inputs = source->info.input_names.n;
    bool labels = outcome == STATUS_OK && source->info.n_targets == 1 &&
                  string_list_find(&names, source->info.target_names.item[0]) >= 0;
    if (labels)
        outcome = source_numbers_to_labels(source);
    string_list_release(&names);
    return outcome;
}
