/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as names of classes, and labels as the classes of a trained model. */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "data/csv/dictionary.h"

#include <stdio.h>

/*
 * A model of classes, but the file's only target column looks like numbers (a CSV file with classes
 * 0, 1, ...): take them as names of classes.
 */
status source_numbers_to_labels(struct source *source)
{
    struct source_info *info = &source->info;
    double *number = NULL;
    char column[160];
    snprintf(column, sizeof column, "column '%s'", info->target_names.item[0]);
    status outcome = memory_alloc(&number, info->n, sizeof *number, "labels");
    if (outcome == STATUS_OK)
        outcome = source_read(source, 0, info->n, NULL, number);
    if (outcome == STATUS_OK)
        outcome =
            source_code_doubles(source, number, column, "labels", &info->classes, &info->label);
    memory_free(&number);
    if (outcome == STATUS_OK) {
        info->has_labels = true;
        info->n_targets = 0;
    }
    return outcome;
}

static status unknown_class(const struct source *source, size_t row, const char *class,
                            const struct string_list *classes)
{
    char where[SOURCE_ROW_TEXT], joined[512];
    string_list_join(classes, joined, sizeof joined);
    return status_set(STATUS_USAGE,
                      "%s, %s, '%s': the model does not know the class '%s'; it knows: %s",
                      source->path, source_row_text(source, row, where),
                      source->info.target_names.item[0], class, joined);
}

static status map_labels(struct source *source, const struct dictionary *known,
                         const struct string_list *classes)
{
    struct source_info *info = &source->info;
    int32_t *map = NULL;
    status outcome = memory_alloc(&map, info->classes.n, sizeof *map, "class names");
    for (size_t i = 0; i < info->classes.n && outcome == STATUS_OK; i++)
        map[i] = dictionary_find(known, info->classes.item[i]);
    for (size_t i = 0; i < info->n && outcome == STATUS_OK; i++)
        if (map[info->label[i]] < 0)
            outcome = unknown_class(source, i, info->classes.item[info->label[i]], classes);
    if (outcome == STATUS_OK) {
        for (size_t i = 0; i < info->n; i++)
            info->label[i] = map[info->label[i]];
        string_list_release(&info->classes);
        outcome = string_list_copy(&info->classes, classes);
    }
    memory_free(&map);
    return outcome;
}

status source_map_classes(struct source *source, const struct string_list *classes)
{
    struct dictionary known = {0};
    status outcome = STATUS_OK;
    if (!source->info.has_labels && source->info.n_targets == 1)
        outcome = source_numbers_to_labels(source);
    /* Without targets, or with class probabilities, there is nothing to map. */
    if (outcome != STATUS_OK || !source->info.has_labels)
        return outcome;
    for (size_t i = 0; i < classes->n && outcome == STATUS_OK; i++) {
        int32_t code;
        outcome = dictionary_code(&known, classes->item[i], &code);
    }
    if (outcome == STATUS_OK)
        outcome = map_labels(source, &known, classes);
    dictionary_release(&known);
    return outcome;
}
