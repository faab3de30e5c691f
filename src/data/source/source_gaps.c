/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_blocks.h"
#include "data/source/source_internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static void ignore(void *context, size_t row, const double *x, const double *y)
{
    (void)context, (void)row, (void)x, (void)y;
}

static status need_rows(struct source_info *info)
{
    return info->incomplete ? STATUS_OK
                            : memory_alloc(&info->incomplete, info->n, sizeof *info->incomplete,
                                           "rows with gaps");
}

/* The advice to correct the file is not for those who go on. */
static status warn_of(struct source *source, const char *first)
{
    char text[512];
    snprintf(text, sizeof text, "%s", first);
    char *advice = strrchr(text, ';');
    if (advice)
        *advice = '\0';
    return string_list_add(&source->info.warnings, text);
}

status source_mark_gap(struct source *source, size_t row)
{
    struct source_info *info = &source->info;
    bool is_first = !info->incomplete;
    char text[512];
    snprintf(text, sizeof text, "%s", status_text());
    status outcome = need_rows(info);
    if (outcome != STATUS_OK)
        return outcome;
    info->n_incomplete += !info->incomplete[row];
    info->incomplete[row] = true;
    return is_first ? warn_of(source, text) : STATUS_OK;
}

/* Takes over what a pass over all numbers has found of rows. */
static status take_rows(struct source *source, const struct source_gaps_found *found,
                        bool *has_changed)
{
    struct source_info *info = &source->info;
    bool is_first = !info->incomplete;
    if (!*found->first)
        return STATUS_OK;
    status outcome = need_rows(info);
    for (size_t row = 0; row < info->n && outcome == STATUS_OK; row++)
        if (found->row[row] && !info->incomplete[row]) {
            info->incomplete[row] = *has_changed = true;
            info->n_incomplete++;
        }
    return outcome == STATUS_OK && is_first ? warn_of(source, found->first) : outcome;
}

status source_add_gaps(struct source *source, const char *column, size_t cells)
{
    struct source_info *info = &source->info;
    size_t n = info->gap_columns.n;
    if (cells == 0)
        return STATUS_OK;
    status outcome = memory_grow(&info->gap_cells, n, n + 1, sizeof *info->gap_cells, "gaps");
    if (outcome == STATUS_OK)
        info->gap_cells[n] = cells;
    return outcome == STATUS_OK ? string_list_add(&info->gap_columns, column) : outcome;
}

static status take_columns(struct source *source, const struct source_gaps_found *found)
{
    status outcome = STATUS_OK;
    for (size_t c = 0; found->names && c < found->names->n && outcome == STATUS_OK; c++)
        outcome = source_add_gaps(source, found->names->item[c], found->cells[c]);
    return outcome;
}

status source_watch_gaps(struct source *source)
{
    struct source_gaps_found *found = &source->watched;
    if (source->asked.gaps == SOURCE_GAPS_REFUSED || !source->mark_gaps)
        return STATUS_OK;
    status outcome =
        memory_alloc(&found->row, source->info.n, sizeof *found->row, "rows with gaps");
    if (outcome == STATUS_OK && !source->mark_gaps(source, found))
        memory_free(&found->row);
    return outcome;
}

status source_take_gaps(struct source *source, bool *has_changed)
{
    struct source_info *info = &source->info;
    struct source_gaps_found *found = &source->watched;
    size_t n_inputs = info->n_inputs;
    *has_changed = false;
    if (!found->row)
        return STATUS_OK;
    source->mark_gaps(source, NULL);
    status outcome = take_rows(source, found, has_changed);
    if (outcome == STATUS_OK)
        outcome = take_columns(source, found);
    /* With columns that were asked for, the inputs have been made already. */
    if (outcome == STATUS_OK && !source->asked.gap_columns && info->gap_columns.n > 0)
        outcome = source_code_gaps(source);
    *has_changed = *has_changed || info->n_inputs != n_inputs;
    memory_free(&found->row);
    memory_free(&found->cells);
    *found = (struct source_gaps_found){0};
    if (outcome == STATUS_OK && info->n_incomplete == info->n)
        outcome = status_set(STATUS_USAGE, "%s (no row is complete)",
                             info->warnings.item[info->warnings.n - 1]);
    return outcome;
}

status source_find_gaps(struct source *source)
{
    bool has_changed;
    status outcome = source_watch_gaps(source);
    if (outcome == STATUS_OK && source->watched.row)
        outcome = source_visit(source, false, ignore, NULL);
    status taken = outcome == STATUS_OK ? source_take_gaps(source, &has_changed) : STATUS_OK;
    return outcome == STATUS_OK ? taken : outcome;
}
