/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/dictionary.h"
#include "source_hdf5_internal.h"

#include "base/memory.h"
#include "data/hdf5/hdf5_storage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COLUMNS = 1 << 24 };

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

void hdf5_part_release(struct hdf5_part *part)
{
    hdf5_meaning_release(&part->meaning);
    hdf5_foreign_release(&part->foreign);
}

/* Makes samples the rows of a shape that lies on its side; the columns. */
static uint64_t turn(const struct hdf5_reader *reader, struct hdf5_shape *shape,
                     struct hdf5_part *part)
{
    uint64_t n = reader->samples_on_side;
    part->on_side = shape->rank == 2 &&
                    (part->meaning.on_side || (n && shape->dims[1] == n && shape->dims[0] != n));
    if (part->on_side) {
        uint64_t columns = shape->dims[0];
        shape->dims[0] = shape->dims[1];
        shape->dims[1] = columns;
    }
    return shape->rank == 2 ? shape->dims[1] : 1;
}

static status check_shape(const struct source *source, const struct hdf5_reader *reader,
                          const char *name, const struct hdf5_shape *shape)
{
    char text[SHAPE_TEXT];
    if (hdf5_has_attribute(reader->file, name, "OCTAVE_RANGE_NELEM"))
        return status_set(STATUS_USAGE,
                          "%s: '%s' is a range of Octave, of which the file has only the first "
                          "number, the last and the step; save it as an array, x = [x]",
                          source->path, name);
    if (shape->kind == HDF5_TABLE)
        return status_set(
            STATUS_USAGE,
            "%s: '%s' is a table of named columns (a compound type), but one array of "
            "numbers was expected; save the table as CSV, or its columns as an array",
            source->path, name);
    if (shape->kind == HDF5_COMPLEX)
        return status_set(STATUS_USAGE,
                          "%s: '%s' holds complex numbers, but real ones were expected; save the "
                          "real and the imaginary parts as columns",
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
    return STATUS_OK;
}

status hdf5_check_dataset(const struct source *source, struct hdf5_reader *reader, const char *name,
                          struct hdf5_shape *shape, struct hdf5_part *part)
{
    char text[SHAPE_TEXT];
    *part = (struct hdf5_part){.meaning.plain = true};
    status outcome = hdf5_shape(reader->file, name, shape);
    if (outcome == STATUS_OK)
        outcome = check_shape(source, reader, name, shape);
    if (outcome == STATUS_OK)
        outcome = hdf5_meaning_find(reader->file, name, &part->meaning);
    if (outcome == STATUS_OK)
        outcome = hdf5_foreign_find(source, reader, name, &part->foreign);
    if (outcome == STATUS_OK)
        outcome = hdf5_check_storage(reader->file, name);
    if (outcome != STATUS_OK)
        return outcome;
    uint64_t columns = turn(reader, shape, part);
    if (columns == 0 || columns > MAX_COLUMNS)
        return status_set(STATUS_USAGE,
                          "%s: '%s' has shape (%s): %" PRIu64 " columns, but 1 to %d can be used",
                          source->path, name, hdf5_shape_text(shape, text), columns, MAX_COLUMNS);
    part->width = (size_t)columns;
    return STATUS_OK;
}

/*
 * The names of a data set's columns: its attribute `names`; or, if it was asked for by name and has
 * but one, its own name; or its own name with the numbers of the columns.
 */
static status name_columns(const struct source *source, struct hdf5_reader *reader,
                           const char *name, const char *asked, const struct hdf5_shape *shape,
                           bool is_column, struct string_list *names, bool *known)
{
    const char *stem = asked + (asked[0] == '/');
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
    if (is_column)
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

/* A data set is listed once for each run of columns that are taken from it. Takes the part over. */
static status add_dataset(struct hdf5_columns *columns, const char *name, struct hdf5_part *part)
{
    size_t n = columns->datasets.n;
    if (n > 0 && strcmp(columns->datasets.item[n - 1], name) == 0)
        return STATUS_OK;
    status outcome =
        memory_grow(&columns->part, n, n + 1, sizeof *columns->part, "parts of the samples");
    if (outcome == STATUS_OK)
        outcome = string_list_add(&columns->datasets, name);
    if (outcome != STATUS_OK)
        return outcome;
    part->offset = columns->n;
    columns->part[n] = *part;
    *part = (struct hdf5_part){.meaning.plain = true};
    return STATUS_OK;
}

static status other_rows(const struct source *source, const struct hdf5_columns *columns,
                         const char *name, const struct hdf5_shape *shape)
{
    char first[SHAPE_TEXT], second[SHAPE_TEXT];
    return status_set(STATUS_USAGE,
                      "%s: '%s' has shape (%s) but '%s' has (%s); they must have the same number "
                      "of rows, one per sample",
                      source->path, columns->datasets.item[0],
                      hdf5_shape_text(&columns->shape, first), name,
                      hdf5_shape_text(shape, second));
}

/*
 * All columns of the data set that `asked` means, or only the one called `only`: *found tells
 * whether it is.
 */
static status take_dataset(const struct source *source, struct hdf5_reader *reader,
                           struct hdf5_columns *columns, const char *asked, bool asked_for,
                           const char *only, bool *found)
{
    struct hdf5_shape shape = {0};
    struct hdf5_part part = {.meaning.plain = true};
    struct string_list names = {0};
    char name[NAME_SIZE];
    bool known = false;
    status outcome = hdf5_resolve(source, reader, asked, name);
    if (outcome == STATUS_OK)
        outcome = hdf5_check_dataset(source, reader, name, &shape, &part);
    const size_t width = part.width;
    bool is_column = asked_for && (shape.rank == 1 || (part.on_side && width == 1));
    if (outcome == STATUS_OK)
        outcome = name_columns(source, reader, name, asked, &shape, is_column, &names, &known);
    long wanted = outcome == STATUS_OK && only ? string_list_find(&names, only) : 0;
    *found = outcome == STATUS_OK && wanted >= 0;
    if (*found) {
        if (columns->n == 0) {
            columns->shape = shape;
            columns->names_known = known;
        }
        columns->names_known = columns->names_known && known;
        outcome = add_dataset(columns, name, &part);
        for (size_t c = only ? (size_t)wanted : 0;
             outcome == STATUS_OK && c < (only ? (size_t)wanted + 1 : width) && c < names.n; c++)
            outcome = add_column(columns, c, names.item[c]);
    }
    string_list_release(&names);
    hdf5_part_release(&part);
    if (outcome != STATUS_OK || !*found || shape.dims[0] == columns->shape.dims[0])
        return outcome;
    return other_rows(source, columns, name, &shape);
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
    for (size_t d = 0; d < columns->datasets.n; d++)
        hdf5_part_release(&columns->part[d]);
    string_list_release(&columns->datasets);
    string_list_release(&columns->names);
    memory_free(&columns->part);
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
                                 "%s: columns %d and %zu (from 0) of @%s have the same name '%s'; "
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
        outcome = status_set(STATUS_USAGE, "%s: @exclude leaves no column of '%s' for the inputs",
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
