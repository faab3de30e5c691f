/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/formats/formats.h"

#include "base/memory.h"
#include "base/site.h"
#include "data/source/hdf5/source_hdf5.h"
#include "data/source/source_internal.h"
#include "formats_internal.h"

/* The first that recognises a path; the last recognises all. */
static const struct source_format *const formats[] = {&source_format_builtin, &source_format_hdf5,
                                                      &source_format_npy, &source_format_csv};

const struct source_format *source_format_of(const char *path)
{
    size_t i = 0;
    while (!formats[i]->recognises(path))
        i++;
    return formats[i];
}

const char *source_validation(const char *path)
{
    const struct source_format *format = source_format_of(path);
    return format->validation ? format->validation(path) : NULL;
}

/* The request may be gone when somebody wants to open the source once more. */
static status keep_request(const struct source_request *request, struct source *source)
{
    const char *asked[] = {request->inputs, request->targets, request->group,
                           request->weight, request->exclude, request->categories};
    bool complete = source->path != NULL;
    for (int i = 0; i < SOURCE_NAMES; i++) {
        source->asked_names[i] = memory_strdup(asked[i]);
        complete = complete && (!asked[i] || source->asked_names[i]);
    }
    if (request->model_inputs && string_list_copy(&source->asked_inputs, request->model_inputs))
        complete = false;
    if (request->gap_columns && string_list_copy(&source->asked_gaps, request->gap_columns))
        complete = false;
    char *const *names = source->asked_names;
    source->asked = (struct source_request){
        .path = source->path,
        .inputs = names[0],
        .targets = names[1],
        .group = names[2],
        .weight = names[3],
        .exclude = names[4],
        .categories = names[5],
        .model_inputs = request->model_inputs ? &source->asked_inputs : NULL,
        .gap_columns = request->gap_columns ? &source->asked_gaps : NULL,
        .target_kind = request->target_kind,
        .gaps = request->gaps,
        .codes_gaps = request->codes_gaps,
        .wants_classes = request->wants_classes,
        .exclude_if_there = request->exclude_if_there,
        .numbers_only = request->numbers_only};
    return complete ? STATUS_OK
                    : status_set(STATUS_FAILED, "%s: not enough memory to open it", request->path);
}

status source_open(const struct source_request *request, struct source **out)
{
    struct source *source = NULL;
    *out = NULL;
    status outcome = site_file(SITE_data_open, request->path);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&source, 1, sizeof *source, "a data source");
    if (outcome != STATUS_OK)
        return outcome;
    source->path = memory_strdup(request->path);
    source->info.path = source->path;
    outcome = keep_request(request, source);
    if (outcome == STATUS_OK && request->inputs && request->exclude)
        outcome = status_set(STATUS_USAGE, "@inputs names all inputs, so that @exclude has "
                                           "nothing to leave out; give only one of them");
    source->info.format = source_format_of(request->path);
    if (outcome == STATUS_OK)
        outcome = source->info.format->open(request, source);
    bool are_known = request->gap_columns || !source->mark_gaps;
    if (outcome == STATUS_OK && request->codes_gaps && are_known)
        outcome = source_code_gaps(source);
    if (outcome != STATUS_OK)
        source_close(&source);
    *out = source;
    return outcome;
}
