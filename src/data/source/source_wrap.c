/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader between a source and who reads it, for inputs that are made of others. The reader begins
 * with a pointer to the source as it was. */
#include "data/source/source_internal.h"

#include "base/memory.h"

static bool mark_inner(struct source *source, struct source_gaps_found *found)
{
    struct source *inner = *(struct source **)source->reader;
    return inner->mark_gaps && inner->mark_gaps(inner, found);
}

status source_wrap(struct source *source, struct source **inner)
{
    status outcome = memory_alloc(inner, 1, sizeof **inner, "a data source");
    if (outcome != STATUS_OK)
        return outcome;
    **inner = *source;
    (*inner)->room = NULL;
    (*inner)->room_bytes = 0;
    (*inner)->kept = (struct source_kept){0};
    source->stored = NULL;
    source->view = NULL;
    source->expect = NULL;
    source->read_directly = NULL;
    source->mark_gaps = source->mark_gaps ? mark_inner : NULL;
    source->info.input_names = (struct string_list){0};
    return STATUS_OK;
}

void source_inner_release(struct source **inner)
{
    if (!*inner)
        return;
    if ((*inner)->release)
        (*inner)->release(*inner);
    string_list_release(&(*inner)->info.input_names);
    memory_free(&(*inner)->room);
    memory_free(inner);
}
