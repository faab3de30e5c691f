/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "base/site.h"
#include "base/stop_request.h"
#include "data/csv/dictionary.h"
#include "data/hdf5/hdf5_file.h"
#include "data/source/builtin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUES_PER_BLOCK = 1 << 15 }; /* stay in the cache of a core */

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

const struct source_info *source_info(const struct source *source)
{
    return &source->info;
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
    string_list_release(&info->classes);
    string_list_release(&info->group_names);
    string_list_release(&info->notes);
    memory_free(&info->label);
    memory_free(&info->group);
    memory_free(&info->weight);
    memory_free(&info->incomplete);
    string_list_release(&info->notes);
    string_list_release(&info->warnings);
    memory_free(&(*source)->room);
    memory_free(&(*source)->path);
    string_list_release(&(*source)->asked_inputs);
    for (int i = 0; i < SOURCE_NAMES; i++)
        memory_free(&(*source)->asked_names[i]);
    memory_free(source);
}

status source_read(struct source *source, size_t first, size_t n, double *x, double *y)
{
    COTERIE_ASSERT(first <= source->info.n && n <= source->info.n - first);
    status outcome = site_file(SITE_data_read, source->path);
    if (outcome == STATUS_OK)
        outcome = stop_request_check(source->path);
    if (outcome != STATUS_OK)
        return outcome;
    return source->read(source, first, n, x, source->info.n_targets ? y : NULL);
}

status source_stored(struct source *source, struct source_numbers *numbers)
{
    *numbers = (struct source_numbers){.x = HDF5_F64, .y = HDF5_F64};
    return source->stored ? source->stored(source, numbers) : STATUS_OK;
}

status source_view(struct source *source, size_t first, size_t n, struct source_view *view)
{
    view->x = view->x_room;
    view->y = view->y_room;
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
    return source->expect ? source->expect(source, first, n) : STATUS_OK;
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

status source_visit(struct source *source, source_visitor *visit, void *context)
{
    const struct source_info *info = &source->info;
    size_t width = info->n_inputs + info->n_targets;
    size_t per_block = width < VALUES_PER_BLOCK ? VALUES_PER_BLOCK / width : 1;
    if (per_block > info->n)
        per_block = info->n;
    unsigned char *room = NULL;
    status outcome = source_room(source, per_block * width * sizeof(double), &room);
    void *place = room;
    double *x = place, *y = outcome == STATUS_OK ? x + per_block * info->n_inputs : NULL;
    for (size_t first = 0; first < info->n && outcome == STATUS_OK; first += per_block) {
        size_t n = info->n - first < per_block ? info->n - first : per_block;
        outcome = source_read(source, first, n, x, y);
        for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
            visit(context, first + i, x + i * info->n_inputs, y + i * info->n_targets);
    }
    return outcome;
}

const char *source_row_text(const struct source *source, size_t row, char text[SOURCE_ROW_TEXT])
{
    if (source->line)
        snprintf(text, SOURCE_ROW_TEXT, "line %zu", source->line[row]);
    else
        snprintf(text, SOURCE_ROW_TEXT, "row %zu (from 0)", row);
    return text;
}

status source_unknown_name(const struct source *source, const char *what, const char *option,
                           const char *name, const struct string_list *known)
{
    char joined[512];
    const char *nearest = string_list_nearest(known, name);
    string_list_join(known, joined, sizeof joined);
    return status_set(STATUS_USAGE, "%s: there is no %s '%s' for %s%s%s%s there are: %s",
                      source->path, what, name, option, nearest ? "; did you mean '" : "",
                      nearest ? nearest : "", nearest ? "'?" : ";", joined);
}

status source_split_names(const struct source *source, const char *option, const char *text,
                          struct string_list *names)
{
    status outcome = string_list_add_split(names, text);
    if (outcome != STATUS_OK)
        return outcome;
    if (names->n == 0)
        return status_set(STATUS_USAGE, "%s: %s names nothing; give at least one name",
                          source->path, option);
    struct dictionary seen = {0};
    for (size_t i = 0; i < names->n && outcome == STATUS_OK; i++) {
        int32_t code;
        outcome = dictionary_code(&seen, names->item[i], &code);
        if (outcome == STATUS_OK && !names->item[i][0])
            outcome = status_set(STATUS_USAGE, "%s: %s '%s' has an empty name", source->path,
                                 option, text);
        else if (outcome == STATUS_OK && (size_t)code != i)
            outcome = status_set(STATUS_USAGE, "%s: %s names '%s' twice", source->path, option,
                                 names->item[i]);
    }
    dictionary_release(&seen);
    return outcome;
}

status source_shell_names(const struct string_list *names, char text[SOURCE_SHELL_TEXT])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+.,:/@%";
    char *joined = NULL, *end = text + SOURCE_SHELL_TEXT - sizeof "...'";
    status outcome = string_list_joined(names, &joined);
    if (outcome != STATUS_OK)
        return outcome;
    bool quoted = joined[strspn(joined, plain)] != '\0';
    char *to = text;
    const char *from = joined;
    if (quoted)
        *to++ = '\'';
    for (; *from && to + 4 < end; from++)
        to += sprintf(to, *from == '\'' ? "'\\''" : "%c", *from);
    sprintf(to, "%s%s", *from ? "..." : "", quoted ? "'" : "");
    memory_free(&joined);
    return STATUS_OK;
}

status source_excluded(const struct source *source, const struct string_list *columns,
                       struct string_list *excluded)
{
    const struct source_request *asked = &source->asked;
    status outcome = asked->exclude
                         ? source_split_names(source, "--exclude", asked->exclude, excluded)
                         : STATUS_OK;
    for (size_t i = 0; i < excluded->n && outcome == STATUS_OK; i++)
        if (!asked->exclude_if_there && string_list_find(columns, excluded->item[i]) < 0)
            outcome =
                source_unknown_name(source, "column", "--exclude", excluded->item[i], columns);
    return outcome;
}

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
