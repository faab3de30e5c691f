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

/* Takes over what a pass over all numbers has found. */
static status take(struct source *source, const struct source_gaps_found *found)
{
    struct source_info *info = &source->info;
    bool is_first = !info->incomplete;
    if (!*found->first)
        return STATUS_OK;
    status outcome = need_rows(info);
    for (size_t row = 0; row < info->n && outcome == STATUS_OK; row++)
        if (found->row[row] && !info->incomplete[row]) {
            info->incomplete[row] = true;
            info->n_incomplete++;
        }
    return outcome == STATUS_OK && is_first ? warn_of(source, found->first) : outcome;
}

status source_find_gaps(struct source *source)
{
    struct source_info *info = &source->info;
    struct source_gaps_found found = {0};
    if (source->asked.gaps == SOURCE_GAPS_REFUSED || !source->mark_gaps)
        return STATUS_OK;
    status outcome = memory_alloc(&found.row, info->n, sizeof *found.row, "rows with gaps");
    if (outcome == STATUS_OK && source->mark_gaps(source, &found)) {
        outcome = source_visit(source, false, ignore, NULL);
        source->mark_gaps(source, NULL);
    }
    if (outcome == STATUS_OK)
        outcome = take(source, &found);
    memory_free(&found.row);
    if (outcome == STATUS_OK && info->n_incomplete == info->n)
        outcome = status_set(STATUS_USAGE, "%s (no row is complete)",
                             info->warnings.item[info->warnings.n - 1]);
    return outcome;
}
