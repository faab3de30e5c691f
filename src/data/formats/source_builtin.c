/* SPDX-License-Identifier: BSD-3-Clause */
#include "formats_internal.h"

#include "base/memory.h"
#include "builtin.h"

#include <stdio.h>
#include <string.h>

static status copy_numbers(const struct builtin_table *builtin, struct csv_table *table)
{
    status outcome = STATUS_OK;
    for (size_t c = 0; c < builtin->names.n && outcome == STATUS_OK; c++) {
        double **number = &table->column[c].number;
        outcome = memory_alloc(number, builtin->n, sizeof **number, "the built-in data");
        for (size_t i = 0; i < builtin->n && outcome == STATUS_OK; i++)
            (*number)[i] = builtin->number[i * builtin->names.n + c];
    }
    return outcome;
}

/* The same shape as a CSV file has, so that columns are chosen by the same rules. */
static status make_table(const char *path, const struct builtin_table *builtin,
                         struct csv_table *table)
{
    status outcome = string_list_copy(&table->names, &builtin->names);
    if (outcome == STATUS_OK)
        outcome = string_list_add(&table->names, "vowel");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&table->column, table->names.n, sizeof *table->column,
                               "the built-in data");
    if (outcome == STATUS_OK && !(table->path = memory_strdup(path)))
        outcome = status_set(STATUS_FAILED, "%s: not enough memory", path);
    if (outcome == STATUS_OK)
        outcome = copy_numbers(builtin, table);
    if (outcome != STATUS_OK)
        return outcome;
    struct csv_column *vowel = &table->column[builtin->names.n];
    table->n_rows = builtin->n;
    outcome = memory_alloc(&vowel->code, builtin->n, sizeof *vowel->code, "the built-in data");
    if (outcome != STATUS_OK)
        return outcome;
    memcpy(vowel->code, builtin->vowel, builtin->n * sizeof *vowel->code);
    return string_list_copy(&vowel->values, &builtin->vowels);
}

static status open_builtin(const struct source_request *request, struct source *source)
{
    struct source_request complete = *request;
    struct builtin_table builtin = {0};
    struct csv_table table = {0};
    if (!complete.inputs)
        complete.inputs = "F1,F2";
    if (!complete.targets)
        complete.targets = "vowel";
    if (!complete.group)
        complete.group = "speaker";
    status outcome = builtin_load(request->path, &builtin);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = make_table(request->path, &builtin, &table);
    if (outcome == STATUS_OK)
        outcome = table_open(&complete, source, &table);
    /* The vowels keep their own order: published parameters and figures go by it. */
    if (outcome == STATUS_OK && source->info.has_labels &&
        strcmp(source->info.target_names.item[0], "vowel") == 0)
        outcome = source_map_classes(source, &builtin.vowels);
    csv_release(&table);
    builtin_release(&builtin);
    return outcome;
}

const struct source_format source_format_builtin = {.name = "built-in",
                                                    .recognises = builtin_is_name,
                                                    .is_built_in = true,
                                                    .columns_by_name = true,
                                                    .open = open_builtin,
                                                    .validation = builtin_validation};
