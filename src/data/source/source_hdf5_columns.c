/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/dictionary.h"
#include "source_hdf5_internal.h"

#include "base/memory.h"
#include "base/real.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COLUMNS = 1 << 24, VALUES_PER_BLOCK = 1 << 15, BYTES_PER_PIECE = 1 << 17 };

const char *hdf5_shape_text(const struct hdf5_shape *shape, char text[SHAPE_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%" PRIu64, i ? ", " : "",
                                 shape->dims[i]);
    return text;
}

static status list_dataset(const char *name, const struct hdf5_shape *shape, void *context)
{
    return shape->kind == HDF5_GROUP ? STATUS_OK : string_list_add(context, name);
}

status hdf5_unknown_dataset(const struct source *source, struct hdf5_reader *reader,
                            const char *option, const char *name)
{
    struct string_list known = {0};
    char full[NAME_SIZE];
    snprintf(full, sizeof full, "%s%s", name[0] == '/' ? "" : "/", name);
    status outcome = hdf5_visit(reader->file, "/", list_dataset, &known);
    if (outcome == STATUS_OK)
        outcome = source_unknown_name(source, "data set", option, full, &known);
    string_list_release(&known);
    return outcome;
}

status hdf5_check_dataset(const struct source *source, struct hdf5_reader *reader, const char *name,
                          struct hdf5_shape *shape, size_t *width)
{
    char text[SHAPE_TEXT];
    status outcome = hdf5_shape(reader->file, name, shape);
    if (outcome != STATUS_OK)
        return outcome;
    if (shape->kind == HDF5_TABLE)
        return status_set(
            STATUS_USAGE,
            "%s: '%s' is a table of named columns (a compound type), but one array of "
            "numbers was expected; save the table as CSV, or its columns as an array",
            source->path, name);
    if (shape->kind == HDF5_GROUP || shape->kind == HDF5_OTHER)
        return status_set(
            STATUS_USAGE, "%s: '%s' is %s, but a data set of numbers (or labels) was expected",
            source->path, name,
            shape->kind == HDF5_GROUP ? "a group" : "neither numbers nor text of a simple shape");
    if (shape->rank != 1 && shape->rank != 2)
        return status_set(STATUS_USAGE,
                          "%s: '%s' has shape (%s), but one row per sample was expected: (N) or "
                          "(N, columns); save it in that shape",
                          source->path, name, hdf5_shape_text(shape, text));
    uint64_t columns = shape->rank == 2 ? shape->dims[1] : 1;
    if (columns == 0 || columns > MAX_COLUMNS)
        return status_set(STATUS_USAGE,
                          "%s: '%s' has shape (%s): %" PRIu64 " columns, but 1 to %d can be used",
                          source->path, name, hdf5_shape_text(shape, text), columns, MAX_COLUMNS);
    *width = (size_t)columns;
    return STATUS_OK;
}

/*
 * The names of a data set's columns: its attribute `names`; or, if it was asked for by name and has
 * but one, its own name; or its own name with the numbers of the columns.
 */
static status name_columns(const struct source *source, struct hdf5_reader *reader,
                           const char *name, const struct hdf5_shape *shape, bool asked_for,
                           struct string_list *names, bool *known)
{
    const char *stem = name + (name[0] == '/');
    size_t width = shape->rank == 2 ? (size_t)shape->dims[1] : 1;
    status outcome = STATUS_OK;
    *known = true;
    if (hdf5_has_attribute(reader->file, name, "names")) {
        outcome = hdf5_read_text_list(reader->file, name, "names", names);
        if (outcome == STATUS_OK && names->n != width)
            outcome = status_set(STATUS_USAGE,
                                 "%s: attribute 'names' of '%s' has %zu names for %zu columns",
                                 source->path, name, names->n, width);
        return outcome;
    }
    if (asked_for && shape->rank == 1)
        return string_list_add(names, stem);
    *known = false;
    for (size_t i = 0; i < width && outcome == STATUS_OK; i++) {
        char text[NAME_SIZE];
        snprintf(text, sizeof text, "%s%zu", stem, i);
        outcome = string_list_add(names, text);
    }
    return outcome;
}

static status add_column(struct hdf5_columns *columns, size_t column, const char *name)
{
    if ((columns->n & (columns->n - 1)) == 0) {
        size_t capacity = columns->n ? 2 * columns->n : 1;
        status outcome = memory_grow(&columns->column, columns->n, capacity,
                                     sizeof *columns->column, "column numbers");
        if (outcome != STATUS_OK)
            return outcome;
    }
    columns->column[columns->n++] = column;
    return string_list_add(&columns->names, name);
}

/* A data set is listed once for each run of columns that are taken from it. */
static status add_dataset(struct hdf5_columns *columns, const char *name, size_t width)
{
    size_t n = columns->datasets.n;
    if (n > 0 && strcmp(columns->datasets.item[n - 1], name) == 0)
        return STATUS_OK;
    status outcome =
        memory_grow(&columns->width, n, n + 1, sizeof *columns->width, "column numbers");
    if (outcome == STATUS_OK)
        outcome =
            memory_grow(&columns->offset, n, n + 1, sizeof *columns->offset, "column numbers");
    if (outcome != STATUS_OK)
        return outcome;
    columns->width[n] = width;
    columns->offset[n] = columns->n;
    return string_list_add(&columns->datasets, name);
}

/* All columns of the data set `name`, or only the one called `only`: *found tells whether it is. */
static status take_dataset(const struct source *source, struct hdf5_reader *reader,
                           struct hdf5_columns *columns, const char *name, bool asked_for,
                           const char *only, bool *found)
{
    struct hdf5_shape shape;
    struct string_list names = {0};
    bool known;
    size_t width;
    status outcome = hdf5_check_dataset(source, reader, name, &shape, &width);
    if (outcome == STATUS_OK)
        outcome = name_columns(source, reader, name, &shape, asked_for, &names, &known);
    long wanted = outcome == STATUS_OK && only ? string_list_find(&names, only) : 0;
    *found = outcome == STATUS_OK && wanted >= 0;
    if (*found) {
        if (columns->n == 0) {
            columns->shape = shape;
            columns->names_known = known;
        }
        columns->names_known = columns->names_known && known;
        outcome = add_dataset(columns, name, width);
        for (size_t c = only ? (size_t)wanted : 0;
             outcome == STATUS_OK && c < (only ? (size_t)wanted + 1 : width); c++)
            outcome = add_column(columns, c, names.item[c]);
    }
    string_list_release(&names);
    if (outcome != STATUS_OK || !*found || shape.dims[0] == columns->shape.dims[0])
        return outcome;
    char first[SHAPE_TEXT], second[SHAPE_TEXT];
    return status_set(STATUS_USAGE,
                      "%s: '%s' has shape (%s) but '%s' has (%s); they must have the same number "
                      "of rows, one per sample",
                      source->path, columns->datasets.item[0],
                      hdf5_shape_text(&columns->shape, first), name,
                      hdf5_shape_text(&shape, second));
}

/*
 * `name` is a data set; or a column of the default data set, by the name it has there; or a data
 * set's name with the number of a column. The last two find columns by the names in a checkpoint.
 */
static status take_name(const struct source *source, struct hdf5_reader *reader,
                        struct hdf5_columns *columns, const char *name, bool *found)
{
    char stem[NAME_SIZE];
    size_t length = strlen(name);
    *found = false;
    if (hdf5_exists(reader->file, name) && strcmp(name, "/") != 0)
        return take_dataset(source, reader, columns, name, true, NULL, found);
    status outcome = STATUS_OK;
    if (hdf5_exists(reader->file, columns->default_dataset))
        outcome =
            take_dataset(source, reader, columns, columns->default_dataset, false, name, found);
    while (length > 0 && name[length - 1] >= '0' && name[length - 1] <= '9')
        length--;
    if (outcome != STATUS_OK || *found || length == 0 || !name[length] || length >= sizeof stem)
        return outcome;
    snprintf(stem, sizeof stem, "%.*s", (int)length, name);
    if (hdf5_exists(reader->file, stem) && strcmp(stem, columns->default_dataset + 1) != 0)
        outcome = take_dataset(source, reader, columns, stem, false, name, found);
    return outcome;
}

void hdf5_columns_release(struct hdf5_columns *columns)
{
    string_list_release(&columns->datasets);
    string_list_release(&columns->names);
    memory_free(&columns->width);
    memory_free(&columns->offset);
    memory_free(&columns->column);
    memory_free(&columns->piece);
    columns->n = 0;
}

/* Columns are found again by their names, and predictions are named after them. */
static status check_names(const struct source *source, const struct hdf5_columns *columns)
{
    struct dictionary seen = {0};
    status outcome = STATUS_OK;
    bool numbered = columns->datasets.n == 1 && !columns->names_known;
    for (size_t c = 0; c < columns->n && outcome == STATUS_OK && !numbered; c++) {
        int32_t first;
        outcome = dictionary_code(&seen, columns->names.item[c], &first);
        if (outcome == STATUS_OK && (size_t)first != c)
            outcome = status_set(STATUS_USAGE,
                                 "%s: columns %d and %zu (from 0) of %s have the same name '%s'; "
                                 "rename one in the attribute 'names' of its data set",
                                 source->path, first, c, columns->option, columns->names.item[c]);
    }
    dictionary_release(&seen);
    return outcome;
}

static status find_columns(const struct source *source, struct hdf5_reader *reader,
                           struct hdf5_columns *columns, const char *request, bool optional)
{
    struct string_list names = {0};
    bool found = false;
    if (!request) {
        if (hdf5_exists(reader->file, columns->default_dataset))
            return take_dataset(source, reader, columns, columns->default_dataset, false, NULL,
                                &found);
        return optional ? STATUS_OK : hdf5_no_default(source, reader, columns);
    }
    status outcome = source_split_names(source, columns->option, request, &names);
    for (size_t i = 0; i < names.n && outcome == STATUS_OK; i++) {
        outcome = take_name(source, reader, columns, names.item[i], &found);
        if (outcome == STATUS_OK && !found && optional) {
            hdf5_columns_release(columns);
            break;
        }
        if (outcome == STATUS_OK && !found)
            outcome = hdf5_unknown_dataset(source, reader, columns->option, names.item[i]);
    }
    string_list_release(&names);
    return outcome;
}

status hdf5_columns_find(const struct source *source, struct hdf5_reader *reader,
                         struct hdf5_columns *columns, const char *request, bool optional)
{
    status outcome = find_columns(source, reader, columns, request, optional);
    return outcome == STATUS_OK ? check_names(source, columns) : outcome;
}

status hdf5_columns_exclude(const struct source *source, struct hdf5_columns *columns)
{
    struct string_list excluded = {0}, names = {0};
    size_t n = 0;
    status outcome = source_excluded(source, &columns->names, &excluded);
    for (size_t c = 0; c < columns->n && outcome == STATUS_OK; c++) {
        if (string_list_find(&excluded, columns->names.item[c]) >= 0)
            continue;
        columns->column[n++] = columns->column[c];
        outcome = string_list_add(&names, columns->names.item[c]);
    }
    if (outcome == STATUS_OK && n == 0)
        outcome = status_set(STATUS_USAGE, "%s: --exclude leaves no column of '%s' for the inputs",
                             source->path, columns->default_dataset);
    if (outcome == STATUS_OK) {
        columns->n = n;
        string_list_release(&columns->names);
        columns->names = names;
        names = (struct string_list){0};
    }
    string_list_release(&names);
    string_list_release(&excluded);
    return outcome;
}

static status not_finite(const struct source *source, const struct hdf5_columns *columns,
                         const struct string_list *names, size_t row, size_t column, double number)
{
    size_t d = columns->datasets.n - 1;
    while (columns->offset[d] > column)
        d--;
    return status_set(STATUS_USAGE,
                      "%s, '%s', row %zu (from 0), column '%s': %g is not a finite number; correct "
                      "it or remove that sample",
                      source->path, columns->datasets.item[d], row, names->item[column], number);
}

/* Room for one row of any of the data sets, and for many of a narrow one. */
static size_t piece_bytes(const struct hdf5_columns *columns)
{
    size_t bytes = BYTES_PER_PIECE;
    for (size_t d = 0; d < columns->datasets.n; d++)
        if (columns->width[d] * sizeof(double) > bytes)
            bytes = columns->width[d] * sizeof(double);
    return bytes;
}

/* Whole rows of data set number d, as doubles. Stored numbers pass through a piece of cache. */
static status read_rows(struct hdf5_file *file, struct hdf5_columns *columns, size_t d,
                        size_t first, size_t n, double *out)
{
    const char *name = columns->datasets.item[d];
    const size_t width = columns->width[d];
    enum hdf5_number number = HDF5_NO_NUMBER;
    status outcome = hdf5_stored(file, name, &number);
    if (outcome != STATUS_OK)
        return outcome;
    if (number == HDF5_NO_NUMBER)
        return hdf5_read_rows(file, name, first, n, HDF5_AS_DOUBLE, out);
    if (number == HDF5_F64)
        return hdf5_read_stored(file, name, first, n, out);
    size_t row_bytes = width * hdf5_number_size(number);
    COTERIE_ASSERT(row_bytes > 0);
    size_t per_piece = row_bytes < BYTES_PER_PIECE ? BYTES_PER_PIECE / row_bytes : 1;
    if (!columns->piece)
        outcome = memory_alloc(&columns->piece, piece_bytes(columns), 1, "a piece of a data set");
    for (size_t i = 0; i < n && outcome == STATUS_OK; i += per_piece) {
        size_t part = n - i < per_piece ? n - i : per_piece;
        const void *numbers = NULL;
        outcome = hdf5_view_stored(file, name, first + i, part, columns->piece, &numbers);
        if (outcome == STATUS_OK)
            hdf5_to_double(number, numbers, part * width, out + i * width);
    }
    return outcome;
}

/* The part of the array's columns that comes from data set number d. */
static status read_part(struct hdf5_file *file, struct hdf5_columns *columns, size_t d,
                        size_t first, size_t n, double *out)
{
    const size_t width = columns->width[d], begin = columns->offset[d];
    const size_t end = d + 1 < columns->datasets.n ? columns->offset[d + 1] : columns->n;
    size_t per_block = width < VALUES_PER_BLOCK ? VALUES_PER_BLOCK / width : 1;
    double *rows = NULL;
    if (per_block > n)
        per_block = n;
    status outcome = memory_alloc(&rows, per_block, width * sizeof *rows, "a block of samples");
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++) {
        size_t in_block = i % per_block, left = n - i;
        if (in_block == 0)
            outcome =
                read_rows(file, columns, d, first + i, left < per_block ? left : per_block, rows);
        for (size_t c = begin; c < end && outcome == STATUS_OK; c++)
            out[i * columns->n + c] = rows[in_block * width + columns->column[c]];
    }
    memory_free(&rows);
    return outcome;
}

static bool is_whole_dataset(const struct hdf5_columns *columns)
{
    bool whole = columns->datasets.n == 1 && columns->width[0] == columns->n;
    for (size_t c = 0; c < columns->n && whole; c++)
        whole = columns->column[c] == c;
    return whole;
}

/* A number less itself is 0, but for those that are not finite. */
LEAF_KERNEL static bool all_finite(const double *number, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += number[i] - number[i];
    return sum == 0;
}

status hdf5_columns_read(const struct source *source, struct hdf5_columns *columns,
                         const struct string_list *names, size_t first, size_t n, double *out)
{
    struct hdf5_reader *reader = source->reader;
    status outcome = STATUS_OK;
    if (is_whole_dataset(columns))
        outcome = read_rows(reader->file, columns, 0, first, n, out);
    else
        for (size_t d = 0; d < columns->datasets.n && outcome == STATUS_OK; d++)
            outcome = read_part(reader->file, columns, d, first, n, out);
    if (outcome == STATUS_OK && all_finite(out, n * columns->n))
        return STATUS_OK;
    for (size_t i = 0; i < n * columns->n && outcome == STATUS_OK; i++)
        if (!isfinite(out[i]))
            outcome =
                not_finite(source, columns, names, first + i / columns->n, i % columns->n, out[i]);
    return outcome;
}

status hdf5_columns_stored(const struct source *source, const struct hdf5_columns *columns,
                           enum hdf5_number *number)
{
    struct hdf5_reader *reader = source->reader;
    *number = HDF5_NO_NUMBER;
    return is_whole_dataset(columns) ? hdf5_stored(reader->file, columns->datasets.item[0], number)
                                     : STATUS_OK;
}

status hdf5_columns_view(const struct source *source, struct hdf5_columns *columns,
                         const struct string_list *names, size_t first, size_t n, void *room,
                         const void **numbers)
{
    struct hdf5_reader *reader = source->reader;
    enum hdf5_number number;
    status outcome = hdf5_columns_stored(source, columns, &number);
    *numbers = room;
    if (outcome != STATUS_OK)
        return outcome;
    return number == HDF5_NO_NUMBER
               ? hdf5_columns_read(source, columns, names, first, n, room)
               : hdf5_view_stored(reader->file, columns->datasets.item[0], first, n, room, numbers);
}
