/* SPDX-License-Identifier: BSD-3-Clause */
#include "source_hdf5_internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status need_numeric(const struct source *source, struct hdf5_reader *reader,
                           const struct hdf5_columns *columns, const char *advice)
{
    for (size_t i = 0; i < columns->datasets.n; i++) {
        struct hdf5_shape shape;
        status outcome = hdf5_shape(reader->file, columns->datasets.item[i], &shape);
        if (outcome != STATUS_OK)
            return outcome;
        if (shape.kind == HDF5_STRING)
            return status_set(STATUS_USAGE, "%s: '%s' holds text, but numbers are needed here; %s",
                              source->path, columns->datasets.item[i], advice);
    }
    return STATUS_OK;
}

/* Strings or whole numbers of one data set of shape (N) or (N, 1) as codes. */
static status code_dataset(const struct source *source, struct hdf5_reader *reader,
                           const char *name, const struct hdf5_shape *shape, const char *what,
                           struct string_list *names, int32_t **code)
{
    size_t n = source->info.n;
    char column[NAME_SIZE];
    snprintf(column, sizeof column, "data set '%s'", name);
    if (shape->kind == HDF5_STRING) {
        struct string_list texts = {0};
        status outcome = hdf5_read_strings(reader->file, name, &texts);
        if (outcome == STATUS_OK)
            outcome = source_code_texts(source, &texts, names, code);
        string_list_release(&texts);
        return outcome;
    }
    int64_t *whole = NULL;
    double *number = NULL;
    status outcome;
    if (shape->kind == HDF5_INTEGER) {
        outcome = memory_alloc(&whole, n, sizeof *whole, what);
        if (outcome == STATUS_OK)
            outcome = hdf5_read_rows(reader->file, name, 0, n, HDF5_AS_INT64, whole);
        if (outcome == STATUS_OK)
            outcome = source_code_integers(source, whole, names, code);
    } else {
        outcome = memory_alloc(&number, n, sizeof *number, what);
        if (outcome == STATUS_OK)
            outcome = hdf5_read_rows(reader->file, name, 0, n, HDF5_AS_DOUBLE, number);
        if (outcome == STATUS_OK)
            outcome = source_code_doubles(source, number, column, what, names, code);
    }
    memory_free(&whole);
    memory_free(&number);
    return outcome;
}

/* The attribute `classes` names the integer labels 0 .. C-1. */
static status apply_class_names(struct source *source, struct hdf5_reader *reader, const char *name)
{
    struct source_info *info = &source->info;
    struct string_list classes = {0};
    status outcome = hdf5_read_text_list(reader->file, name, "classes", &classes);
    for (size_t i = 0; i < classes.n && outcome == STATUS_OK; i++)
        if (string_list_find(&classes, classes.item[i]) != (long)i)
            outcome = status_set(STATUS_USAGE, "%s: attribute 'classes' of '%s' names '%s' twice",
                                 source->path, name, classes.item[i]);
    for (size_t i = 0; i < info->n && outcome == STATUS_OK; i++) {
        long long number = strtoll(info->classes.item[info->label[i]], NULL, 10);
        if (number < 0 || (uint64_t)number >= classes.n)
            outcome =
                status_set(STATUS_USAGE,
                           "%s, '%s', row %zu (from 0): the label %lld has no name: attribute "
                           "'classes' names %zu classes, the first is label 0",
                           source->path, name, i, number, classes.n);
        else
            info->label[i] = (int32_t)number;
    }
    if (outcome == STATUS_OK) {
        string_list_release(&info->classes);
        info->classes = classes;
        return source_sort_names(&info->classes, info->label, info->n);
    }
    string_list_release(&classes);
    return outcome;
}

static status take_labels(struct source *source, struct hdf5_reader *reader)
{
    struct source_info *info = &source->info;
    struct hdf5_columns *y = &reader->y;
    char text[SHAPE_TEXT];
    const struct hdf5_shape *shape = &y->shape;
    const char *name = y->datasets.item[0];
    bool fits = shape->kind == HDF5_STRING ? shape->rank == 1 : y->width[0] == 1;
    if (y->n != 1 || !fits)
        return status_set(STATUS_USAGE,
                          "%s: labels must be one data set of shape (N), but %s names %zu columns "
                          "and '%s' has shape (%s)",
                          source->path, y->option, y->n, name, hdf5_shape_text(shape, text));
    info->has_labels = true;
    status outcome =
        code_dataset(source, reader, name, shape, "labels", &info->classes, &info->label);
    if (outcome == STATUS_OK && shape->kind == HDF5_INTEGER &&
        hdf5_has_attribute(reader->file, name, "classes"))
        outcome = apply_class_names(source, reader, name);
    return outcome;
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
                          "number of rows, one per sample",
                          source->path, reader->x.datasets.item[0],
                          hdf5_shape_text(&reader->x.shape, first), y->datasets.item[0],
                          hdf5_shape_text(&y->shape, second));
    info->target_names = y->names;
    y->names = (struct string_list){0};
    bool one = y->datasets.n == 1;
    bool like_labels = one && (y->shape.kind == HDF5_STRING ||
                               (y->shape.kind == HDF5_INTEGER && y->shape.rank == 1));
    if (kind == TARGETS_LABELS || (kind != TARGETS_NUMBERS && like_labels))
        return take_labels(source, reader);
    info->n_targets = y->n;
    return need_numeric(source, reader, y,
                        one ? "choose another data set with --targets, or use --task classification"
                            : "choose other data sets with --targets");
}

/* The data set for --group or --weight; *name is NULL if there is none. */
static status find_optional(const struct source *source, struct hdf5_reader *reader,
                            const char *option, const char *request, const char *default_dataset,
                            const char **name, struct hdf5_shape *shape)
{
    char text[SHAPE_TEXT];
    size_t width;
    *name = request ? request : default_dataset;
    if (!hdf5_exists(reader->file, *name)) {
        status outcome =
            request ? hdf5_unknown_dataset(source, reader, option, request) : STATUS_OK;
        *name = NULL;
        return outcome;
    }
    status outcome = hdf5_check_dataset(source, reader, *name, shape, &width);
    if (outcome == STATUS_OK && (width != 1 || shape->dims[0] != source->info.n))
        outcome = status_set(
            STATUS_USAGE, "%s: '%s' (%s) has shape (%s), but (%zu) was expected, one per sample",
            source->path, *name, option, hdf5_shape_text(shape, text), source->info.n);
    return outcome;
}

static status take_group_and_weight(const struct source_request *request, struct source *source,
                                    struct hdf5_reader *reader)
{
    struct source_info *info = &source->info;
    struct hdf5_shape shape;
    const char *name;
    char column[NAME_SIZE];
    status outcome =
        find_optional(source, reader, "--group", request->group, "/group", &name, &shape);
    if (outcome == STATUS_OK && name)
        outcome =
            code_dataset(source, reader, name, &shape, "groups", &info->group_names, &info->group);
    if (outcome == STATUS_OK)
        outcome =
            find_optional(source, reader, "--weight", request->weight, "/weight", &name, &shape);
    if (outcome != STATUS_OK || !name)
        return outcome;
    outcome = memory_alloc(&info->weight, info->n, sizeof *info->weight, "weights");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(reader->file, name, 0, info->n, HDF5_AS_DOUBLE, info->weight);
    snprintf(column, sizeof column, "data set '%s'", name);
    return outcome == STATUS_OK ? source_check_weights(source, column) : outcome;
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
    info->n = (size_t)x->shape.dims[0];
    info->n_inputs = x->n;
    info->input_names = x->names;
    info->names_known = x->names_known;
    x->names = (struct string_list){0};
    return need_numeric(source, reader, x, "choose other data sets with --inputs");
}

status source_open_hdf5(const struct source_request *request, struct source *source)
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
    source->release = release_hdf5;
    reader->x.option = "--inputs", reader->x.default_dataset = "/x";
    reader->y.option = "--targets", reader->y.default_dataset = "/y";
    snprintf(source->info.format, sizeof source->info.format, "HDF5");
    source->info.can_stream = true;
    outcome = hdf5_open(request->path, &reader->file);
    if (outcome == STATUS_OK)
        outcome = take_inputs(request, source, reader);
    bool has_targets = request->target_kind != TARGETS_NONE;
    if (outcome == STATUS_OK && has_targets)
        outcome = hdf5_columns_find(source, reader, &reader->y, request->targets,
                                    request->target_kind == TARGETS_OPTIONAL);
    if (outcome == STATUS_OK && has_targets)
        outcome = take_targets(request->target_kind, source, reader);
    if (outcome == STATUS_OK && !request->numbers_only)
        outcome = take_group_and_weight(request, source, reader);
    return outcome;
}
