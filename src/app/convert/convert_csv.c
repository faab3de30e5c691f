/* SPDX-License-Identifier: BSD-3-Clause */
#include "convert_internal.h"

#include "app/options/number_text.h"
#include "data/source/source_blocks.h"

#include "base/string_list.h"
#include "data/csv/csv.h"

#include <stdio.h>
#include <string.h>

/* Adds `name`, with a _ for each time that it is taken already: a header must not repeat a name. */
static status add_unique(struct string_list *header, const char *name)
{
    char text[256];
    snprintf(text, sizeof text, "%s", name);
    while (string_list_find(header, text) >= 0 && strlen(text) + 1 < sizeof text)
        strcat(text, "_");
    return string_list_add(header, text);
}

/* Inputs, group, weight, targets: the last column is a target by default. */
static status make_header(const struct source_info *info, struct string_list *header)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < info->input_names.n && outcome == STATUS_OK; i++)
        outcome = add_unique(header, info->input_names.item[i]);
    if (outcome == STATUS_OK && info->group)
        outcome = add_unique(header, "group");
    if (outcome == STATUS_OK && info->weight)
        outcome = add_unique(header, "weight");
    for (size_t i = 0; i < info->target_names.n && outcome == STATUS_OK; i++)
        outcome = add_unique(header, info->target_names.item[i]);
    return outcome;
}

static size_t join_names(const struct string_list *header, size_t first, size_t n,
                         const char *option, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : option,
                                 header->item[first + i]);
    return used < size ? used : size - 1;
}

void convert_csv_hint(const struct source *source, char *text, size_t size)
{
    const struct source_info *info = source_info(source);
    struct string_list header = {0};
    size_t used = 0, column = info->n_inputs, n_targets = info->target_names.n;
    text[0] = '\0';
    if (make_header(info, &header) == STATUS_OK) {
        if (info->group)
            used += join_names(&header, column++, 1, " --group ", text + used, size - used);
        if (info->weight)
            used += join_names(&header, column++, 1, " --weight ", text + used, size - used);
        if (n_targets > 1)
            join_names(&header, column, n_targets, " --targets ", text + used, size - used);
    }
    string_list_release(&header);
}

static status write_header(struct csv_writer *writer, const struct source_info *info)
{
    struct string_list header = {0};
    status outcome = make_header(info, &header);
    for (size_t i = 0; i < header.n && outcome == STATUS_OK; i++)
        outcome = csv_writer_text(writer, header.item[i]);
    string_list_release(&header);
    return outcome == STATUS_OK ? csv_writer_end_row(writer) : outcome;
}

/* Doubles to the last bit in either program: the file is a copy, not a result of `real`s. */
static status write_numbers(struct csv_writer *writer, const double *number, size_t n)
{
    char text[NUMBER_TEXT_SIZE];
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        outcome = csv_writer_text(writer, number_text(number[i], text));
    return outcome;
}

static status write_row(struct csv_writer *writer, const struct source_blocks *block, size_t i)
{
    const struct source_info *info = source_info(block->source);
    size_t sample = block->first + i;
    status outcome = write_numbers(writer, block->x + i * info->n_inputs, info->n_inputs);
    if (outcome == STATUS_OK && info->group)
        outcome = csv_writer_text(writer, info->group_names.item[info->group[sample]]);
    if (outcome == STATUS_OK && info->weight)
        outcome = write_numbers(writer, info->weight + sample, 1);
    if (outcome == STATUS_OK && info->has_labels)
        outcome = csv_writer_text(writer, info->classes.item[info->label[sample]]);
    if (outcome == STATUS_OK)
        outcome = write_numbers(writer, block->y + i * info->n_targets, info->n_targets);
    return outcome == STATUS_OK ? csv_writer_end_row(writer) : outcome;
}

status convert_to_csv(struct source *source, const char *path)
{
    struct csv_writer *writer = NULL;
    struct source_blocks block = {0};
    status outcome = csv_writer_create(path, &writer);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = write_header(writer, source_info(source));
    if (outcome == STATUS_OK)
        outcome = source_blocks_init(&block, source, false);
    while (outcome == STATUS_OK) {
        outcome = source_blocks_next(&block);
        if (outcome != STATUS_OK || block.n == 0)
            break;
        for (size_t i = 0; i < block.n && outcome == STATUS_OK; i++)
            outcome = write_row(writer, &block, i);
    }
    source_blocks_release(&block);
    return csv_writer_close_after(&writer, outcome);
}
