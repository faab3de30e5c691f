/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "base/site.h"
#include "base/stop_request.h"

#include <math.h>

const struct source_info *source_info(const struct source *source)
{
    return &source->info;
}

const char *source_unit(const struct source_info *info, const char *column)
{
    long at = string_list_find(&info->unit_columns, column);
    return at < 0 ? "" : info->units.item[at];
}

const struct source_request *source_asked(const struct source *source)
{
    return &source->asked;
}

void source_close(struct source **source)
{
    if (!*source)
        return;
    struct source_info *info = &(*source)->info;
    if ((*source)->release)
        (*source)->release(*source);
    string_list_release(&info->input_names);
    string_list_release(&info->target_names);
    string_list_release(&info->unit_columns);
    string_list_release(&info->units);
    string_list_release(&info->classes);
    string_list_release(&info->group_names);
    memory_free(&info->label);
    memory_free(&info->group);
    memory_free(&info->weight);
    memory_free(&info->incomplete);
    string_list_release(&info->gap_columns);
    memory_free(&info->gap_cells);
    memory_free(&(*source)->watched.row);
    memory_free(&(*source)->watched.cells);
    string_list_release(&info->notes);
    string_list_release(&info->warnings);
    source_forget(*source);
    memory_free(&(*source)->room);
    memory_free(&(*source)->path);
    string_list_release(&(*source)->asked_inputs);
    string_list_release(&(*source)->asked_gaps);
    for (int i = 0; i < SOURCE_NAMES; i++)
        memory_free(&(*source)->asked_names[i]);
    memory_free(source);
}

/* What stands for gaps in rows that are left out. */
static void settle_gaps(const struct source *source, size_t n, double *x, double *y)
{
    const struct source_info *info = &source->info;
    bool in_inputs = !source->asked.codes_gaps;
    for (size_t i = 0; x && in_inputs && i < n * info->n_inputs; i++)
        x[i] = isnan(x[i]) ? 0 : x[i];
    for (size_t i = 0; y && i < n * info->n_targets; i++)
        y[i] = isnan(y[i]) ? 0 : y[i];
}

status source_read(struct source *source, size_t first, size_t n, double *x, double *y)
{
    COTERIE_ASSERT(first <= source->info.n && n <= source->info.n - first);
    status outcome = site_file(SITE_data_read, source->path);
    if (outcome == STATUS_OK)
        outcome = stop_request_check(source->path);
    if (outcome != STATUS_OK)
        return outcome;
    if (source->info.n_targets == 0)
        y = NULL;
    source_kept_take(source, first, n, &x, &y);
    if (x || y)
        outcome = source->read(source, first, n, x, y);
    if (outcome == STATUS_OK && source->asked.gaps != SOURCE_GAPS_REFUSED)
        settle_gaps(source, n, x, y);
    if (outcome == STATUS_OK)
        source_kept_add(source, first, n, x, y);
    return outcome;
}

status source_stored(struct source *source, struct source_numbers *numbers)
{
    *numbers = (struct source_numbers){.x = HDF5_F64, .y = HDF5_F64};
    return source->stored && !source_kept_all(source) ? source->stored(source, numbers) : STATUS_OK;
}

status source_view(struct source *source, size_t first, size_t n, struct source_view *view)
{
    view->x = view->x_room;
    view->y = view->y_room;
    if (source_kept_all(source)) {
        view->x = source->kept.x + first * source->info.n_inputs;
        view->y = source->info.n_targets ? source->kept.y + first * source->info.n_targets : NULL;
        return stop_request_check(source->path);
    }
    if (!source->view)
        return source_read(source, first, n, view->x_room, view->y_room);
    COTERIE_ASSERT(first <= source->info.n && n <= source->info.n - first);
    status outcome = site_file(SITE_data_read, source->path);
    if (outcome == STATUS_OK)
        outcome = stop_request_check(source->path);
    return outcome == STATUS_OK ? source->view(source, first, n, view) : outcome;
}

status source_expect(struct source *source, size_t first, size_t n)
{
    return source->expect && !source_kept_all(source) ? source->expect(source, first, n)
                                                      : STATUS_OK;
}

void source_read_directly(struct source *source, uint64_t least)
{
    if (source->read_directly)
        source->read_directly(source, least);
}

status source_room(struct source *source, size_t bytes, unsigned char **out)
{
    status outcome = STATUS_OK;
    if (bytes > source->room_bytes || !source->room) {
        memory_free(&source->room);
        outcome = memory_alloc(&source->room, bytes, 1, "a block of samples");
        source->room_bytes = outcome == STATUS_OK ? bytes : 0;
    }
    *out = source->room;
    return outcome;
}
