/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "base/site.h"
#include "data/formats/builtin.h"
#include "data/hdf5/hdf5_file.h"

#include <string.h>
#include <strings.h>

static bool named_like_hdf5(const char *path)
{
    static const char *const endings[] = {".h5", ".hdf5", ".hdf", ".he5"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

static bool is_like_hdf5(const char *path)
{
    return hdf5_is_hdf5(path) || named_like_hdf5(path);
}

bool source_is_csv(const char *path)
{
    return !builtin_is_name(path) && !is_like_hdf5(path);
}

static const char *without_slash(const char *name)
{
    return name + (*name == '/');
}

/* What is to be learned cannot be known. Of tables this is found by their columns. */
static status check_apart(const struct source *source)
{
    struct string_list inputs = {0}, targets = {0};
    const struct source_request *asked = &source->asked;
    status outcome = string_list_add_split(&inputs, asked->inputs ? asked->inputs : "x");
    if (outcome == STATUS_OK)
        outcome = string_list_add_split(&targets, asked->targets ? asked->targets : "y");
    for (size_t i = 0; i < inputs.n; i++)
        for (size_t k = 0; k < targets.n && outcome == STATUS_OK && !asked->model_inputs; k++)
            if (strcmp(without_slash(inputs.item[i]), without_slash(targets.item[k])) == 0)
                outcome = status_set(STATUS_USAGE,
                                     "%s: '%s' is named as input and as target; leave it out of "
                                     "--inputs or of --targets",
                                     source->path, targets.item[k]);
    string_list_release(&inputs);
    string_list_release(&targets);
    return outcome;
}

static status open_kind(const struct source_request *request, struct source *source)
{
    if (builtin_is_name(request->path))
        return source_open_builtin(request, source);
    if (!is_like_hdf5(request->path))
        return source_open_csv(request, source);
    status outcome = source_open_hdf5(request, source);
    if (outcome == STATUS_OK && request->target_kind != TARGETS_NONE)
        outcome = check_apart(source);
    return outcome == STATUS_OK && request->categories ? source_code_categories(source) : outcome;
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
        .target_kind = request->target_kind,
        .gaps = request->gaps,
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
        outcome = status_set(STATUS_USAGE, "--inputs names all inputs, so that --exclude has "
                                           "nothing to leave out; give only one of them");
    if (outcome == STATUS_OK)
        outcome = open_kind(request, source);
    if (outcome != STATUS_OK)
        source_close(&source);
    *out = source;
    return outcome;
}
