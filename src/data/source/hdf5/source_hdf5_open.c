/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/hdf5/source_hdf5.h"

#include "source_hdf5_internal.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Codes have no order and no distances. */
static status refuse_codes(const struct source *source, struct hdf5_reader *reader,
                           const char *dataset, const struct hdf5_part *part, const char *advice)
{
    struct string_list categories = {0};
    char names[200];
    status outcome =
        part->foreign.categories
            ? hdf5_read_categories(source, reader, part->foreign.categories, &categories)
            : STATUS_OK;
    if (outcome == STATUS_OK) {
        string_list_join(categories.n ? &categories : &part->meaning.names, names, sizeof names);
        outcome = status_set(STATUS_USAGE,
                             "%s: the numbers of '%s' are codes of names (%s), no quantities: "
                             "they would need a column of 0 and 1 for each name",
                             source->path, dataset, names);
        outcome = status_advise(outcome, advice);
    }
    string_list_release(&categories);
    return outcome;
}

static status need_numeric(const struct source *source, struct hdf5_reader *reader,
                           const struct hdf5_columns *columns, const char *advice)
{
    for (size_t i = 0; i < columns->datasets.n; i++) {
        struct hdf5_shape shape;
        status outcome = hdf5_shape(reader->file, columns->datasets.item[i], &shape);
        if (outcome != STATUS_OK)
            return outcome;
        if (shape.kind == HDF5_STRING)
            return status_advise(status_set(STATUS_USAGE,
                                            "%s: '%s' holds text, but numbers are needed here",
                                            source->path, columns->datasets.item[i]),
                                 advice);
        const struct hdf5_part *part = &columns->part[i];
        bool codes = part->meaning.names.n && !part->meaning.is_boolean;
        if (codes || part->foreign.categories)
            return refuse_codes(source, reader, columns->datasets.item[i], part, advice);
    }
    return STATUS_OK;
}

static status take_targets(enum target_kind kind, struct source *source, struct hdf5_reader *reader)
{
    struct source_info *info = &source->info;
    struct hdf5_columns *y = &reader->y;
    if (y->n == 0)
        return STATUS_OK;
    char first[SHAPE_TEXT], second[SHAPE_TEXT];
    if (y->shape.dims[0] != info->n)
        return status_set(STATUS_USAGE,
                          "%s: '%s' has shape (%s) but '%s' has (%s); they must have the same "
                          "number of rows, one per sample (what R, MATLAB, Julia and Fortran write "
                          "lies on its side: transpose it)",
                          source->path, reader->x.datasets.item[0],
                          hdf5_shape_text(&reader->x.shape, first), y->datasets.item[0],
                          hdf5_shape_text(&y->shape, second));
    info->target_names = y->names;
    y->names = (struct string_list){0};
    bool one = y->datasets.n == 1;
    const struct hdf5_part *part = &y->part[0];
    bool in_one_column = y->shape.rank == 1 || (part->on_side && y->n == 1);
    bool like_labels =
        one && (y->shape.kind == HDF5_STRING ||
                (y->shape.kind == HDF5_INTEGER && in_one_column && !part->meaning.is_packed));
    bool are_amounts = false;
    if (kind == TARGETS_LABELS || (kind != TARGETS_NUMBERS && like_labels)) {
        status outcome = hdf5_take_labels(kind, source, reader, &are_amounts);
        if (outcome != STATUS_OK || !are_amounts)
            return outcome;
    }
    info->n_targets = y->n;
    return need_numeric(source, reader, y,
                        one ? "{choose another data set with @targets, or use @task classification}"
                            : "{choose other data sets with @targets}");
}

/* The data set for --group or --weight; `name` is empty if there is none. */
static status find_optional(const struct source *source, struct hdf5_reader *reader,
                            const char *option, const char *request, const char *default_dataset,
                            char name[NAME_SIZE], struct hdf5_shape *shape, struct hdf5_part *part)
{
    char text[SHAPE_TEXT];
    const char *asked = request ? request : default_dataset;
    name[0] = '\0';
    *part = (struct hdf5_part){.meaning.plain = true};
    if (!hdf5_exists(reader->file, asked))
        return request ? hdf5_unknown_dataset(source, reader, option, request) : STATUS_OK;
    status outcome = hdf5_resolve(source, reader, asked, name);
    if (outcome == STATUS_OK)
        outcome = hdf5_check_dataset(source, reader, name, shape, part);
    if (outcome == STATUS_OK && (part->width != 1 || shape->dims[0] != source->info.n))
        outcome = status_set(
            STATUS_USAGE, "%s: '%s' (@%s) has shape (%s), but (%zu) was expected, one per sample",
            source->path, name, option, hdf5_shape_text(shape, text), source->info.n);
    return outcome;
}

static status take_group(const struct source_request *request, struct source *source,
                         struct hdf5_reader *reader)
{
    struct source_info *info = &source->info;
    struct hdf5_shape shape;
    struct hdf5_part part;
    char name[NAME_SIZE];
    status outcome =
        find_optional(source, reader, "group", request->group, "/group", name, &shape, &part);
    if (outcome == STATUS_OK && *name)
        outcome = hdf5_code_dataset(source, reader, name, &shape, &part, "groups",
                                    reader->x.may_lack, &info->group_names, &info->group);
    hdf5_part_release(&part);
    return outcome;
}

static status read_weights(struct source *source, struct hdf5_reader *reader, const char *name,
                           const struct hdf5_part *part)
{
    struct source_info *info = &source->info;
    char column[NAME_SIZE + 16], reason[HDF5_REASON] = "";
    snprintf(column, sizeof column, "data set '%s'", name);
    status outcome = memory_alloc(&info->weight, info->n, sizeof *info->weight, "weights");
    if (outcome == STATUS_OK)
        outcome = hdf5_part_read(reader->file, name, part, 0, info->n, info->weight);
    for (size_t i = 0; i < info->n && outcome == STATUS_OK; i++) {
        if (!isnan(info->weight[i]))
            continue;
        outcome = hdf5_part_reason(reader->file, name, part, i, 0, reason);
        if (outcome == STATUS_OK)
            outcome = status_set(STATUS_USAGE,
                                 "%s, %s, row %zu (from 0): has no value (%s); correct it{, "
                                 "or choose another data set with @weight}",
                                 source->path, column, i, *reason ? reason : "it is NaN");
        if (outcome == STATUS_USAGE && reader->x.may_lack) {
            outcome = source_mark_gap(source, i);
            info->weight[i] = 0;
        }
    }
    return outcome == STATUS_OK ? source_check_weights(source, column) : outcome;
}

static status take_weight(const struct source_request *request, struct source *source,
                          struct hdf5_reader *reader)
{
    struct hdf5_shape shape;
    struct hdf5_part part;
    char name[NAME_SIZE];
    status outcome =
        find_optional(source, reader, "weight", request->weight, "/weight", name, &shape, &part);
    if (outcome == STATUS_OK && *name && part.meaning.names.n && !part.meaning.is_boolean)
        outcome = refuse_codes(source, reader, name, &part, "{choose another with @weight}");
    if (outcome == STATUS_OK && *name)
        outcome = read_weights(source, reader, name, &part);
    hdf5_part_release(&part);
    return outcome;
}

static status take_group_and_weight(const struct source_request *request, struct source *source,
                                    struct hdf5_reader *reader)
{
    /* The number of samples is known now: an array with that number of columns lies on its side. */
    reader->samples_on_side = source->info.n;
    status outcome = take_group(request, source, reader);
    return outcome == STATUS_OK ? take_weight(request, source, reader) : outcome;
}

static status read_hdf5(struct source *source, size_t first, size_t n, double *x, double *y)
{
    struct hdf5_reader *reader = source->reader;
    status outcome = STATUS_OK;
    if (x)
        outcome = hdf5_columns_read(source, &reader->x, &source->info.input_names, first, n, x);
    if (y && outcome == STATUS_OK)
        outcome = hdf5_columns_read(source, &reader->y, &source->info.target_names, first, n, y);
    return outcome;
}

static status stored_hdf5(struct source *source, struct source_numbers *numbers)
{
    struct hdf5_reader *reader = source->reader;
    uint64_t rows = 0;
    status outcome = hdf5_columns_stored(source, &reader->x, &numbers->x);
    if (outcome == STATUS_OK && source->info.n_targets)
        outcome = hdf5_columns_stored(source, &reader->y, &numbers->y);
    if (outcome == STATUS_OK && numbers->x != HDF5_NO_NUMBER)
        outcome = hdf5_chunk_rows(reader->file, reader->x.datasets.item[0], &rows);
    numbers->rows_together = (size_t)rows;
    if (numbers->x == HDF5_NO_NUMBER)
        numbers->x = HDF5_F64;
    if (numbers->y == HDF5_NO_NUMBER)
        numbers->y = HDF5_F64;
    return outcome;
}

static status view_hdf5(struct source *source, size_t first, size_t n, struct source_view *view)
{
    struct hdf5_reader *reader = source->reader;
    const struct source_info *info = &source->info;
    status outcome =
        hdf5_columns_view(source, &reader->x, &info->input_names, first, n, view->x_room, &view->x);
    if (outcome == STATUS_OK && info->n_targets)
        outcome = hdf5_columns_view(source, &reader->y, &info->target_names, first, n, view->y_room,
                                    &view->y);
    return outcome;
}

static status expect_hdf5(struct source *source, size_t first, size_t n)
{
    struct hdf5_reader *reader = source->reader;
    status outcome = hdf5_expect(reader->file, reader->x.datasets.item[0], first, n);
    if (outcome == STATUS_OK && source->info.n_targets)
        outcome = hdf5_expect(reader->file, reader->y.datasets.item[0], first, n);
    return outcome;
}

static void read_hdf5_directly(struct source *source, uint64_t least)
{
    struct hdf5_reader *reader = source->reader;
    hdf5_read_directly(reader->file, least);
}

/* Whether a number of these columns may be missing: floats, and where some stand for that. */
static bool can_lack(struct hdf5_file *file, const struct hdf5_columns *columns)
{
    for (size_t d = 0; d < columns->datasets.n && columns->may_lack; d++) {
        const struct hdf5_part *part = &columns->part[d];
        struct hdf5_shape shape = {0};
        bool is_whole = hdf5_shape(file, columns->datasets.item[d], &shape) == STATUS_OK &&
                        shape.kind == HDF5_INTEGER;
        if (!is_whole || !part->meaning.plain || part->foreign.mask)
            return true;
    }
    return false;
}

static bool mark_gaps_hdf5(struct source *source, struct source_gaps_found *found)
{
    struct hdf5_reader *reader = source->reader;
    bool some = can_lack(reader->file, &reader->x) ||
                (source->info.n_targets && can_lack(reader->file, &reader->y));
    reader->gaps = some ? found : NULL;
    return some;
}

static void release_hdf5(struct source *source)
{
    struct hdf5_reader *reader = source->reader;
    hdf5_columns_release(&reader->x);
    hdf5_columns_release(&reader->y);
    hdf5_close(&reader->file);
    memory_free(&source->reader);
}

static status take_inputs(const struct source_request *request, struct source *source,
                          struct hdf5_reader *reader)
{
    struct source_info *info = &source->info;
    struct hdf5_columns *x = &reader->x;
    char text[SHAPE_TEXT];
    status outcome = hdf5_columns_find(source, reader, x, request->inputs, false);
    if (outcome == STATUS_OK && request->exclude)
        outcome = hdf5_columns_exclude(source, x);
    if (outcome != STATUS_OK)
        return outcome;
    if (x->shape.dims[0] == 0 || x->shape.dims[0] > SIZE_MAX)
        return status_set(STATUS_USAGE, "%s: holds no samples: '%s' has shape (%s)", source->path,
                          x->datasets.item[0], hdf5_shape_text(&x->shape, text));
    outcome = hdf5_columns_units(reader->file, x, info);
    if (outcome != STATUS_OK)
        return outcome;
    info->n = (size_t)x->shape.dims[0];
    info->n_inputs = x->n;
    info->input_names = x->names;
    info->names_known = x->names_known;
    x->names = (struct string_list){0};
    return need_numeric(source, reader, x, "{choose other data sets with @inputs}");
}

static status open_columns(const struct source_request *request, struct source *source)
{
    struct hdf5_reader *reader = NULL;
    status outcome = memory_alloc(&reader, 1, sizeof *reader, "an HDF5 source");
    if (outcome != STATUS_OK)
        return outcome;
    source->reader = reader;
    source->read = read_hdf5;
    source->stored = stored_hdf5;
    source->view = view_hdf5;
    source->expect = expect_hdf5;
    source->read_directly = read_hdf5_directly;
    source->mark_gaps = mark_gaps_hdf5;
    source->release = release_hdf5;
    reader->x.option = "inputs", reader->x.default_dataset = "/x";
    reader->y.option = "targets", reader->y.default_dataset = "/y";
    reader->x.may_lack = request->gaps != SOURCE_GAPS_REFUSED;
    reader->y.may_lack = request->gaps == SOURCE_GAPS_KEPT;
    outcome = hdf5_open(request->path, &reader->file);
    if (outcome == STATUS_OK)
        outcome = hdf5_find_side(request, source, reader);
    if (outcome == STATUS_OK)
        outcome = take_inputs(request, source, reader);
    bool has_targets = request->target_kind != TARGETS_NONE;
    if (outcome == STATUS_OK && has_targets)
        outcome = hdf5_columns_find(source, reader, &reader->y, request->targets,
                                    request->target_kind == TARGETS_OPTIONAL);
    if (outcome == STATUS_OK && has_targets)
        outcome = hdf5_columns_units(reader->file, &reader->y, &source->info);
    if (outcome == STATUS_OK && has_targets)
        outcome = take_targets(request->target_kind, source, reader);
    if (outcome == STATUS_OK && !request->numbers_only)
        outcome = take_group_and_weight(request, source, reader);
    return outcome;
}

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
                                     "@inputs or of @targets",
                                     source->path, targets.item[k]);
    string_list_release(&inputs);
    string_list_release(&targets);
    return outcome;
}

static status open_hdf5(const struct source_request *request, struct source *source)
{
    status outcome = open_columns(request, source);
    if (outcome == STATUS_OK && request->target_kind != TARGETS_NONE)
        outcome = check_apart(source);
    return outcome == STATUS_OK && request->categories ? source_code_categories(source) : outcome;
}

const struct source_format source_format_hdf5 = {.name = "HDF5",
                                                 .recognises = is_like_hdf5,
                                                 .can_stream = true,
                                                 .holds_objects = true,
                                                 .open = open_hdf5};
