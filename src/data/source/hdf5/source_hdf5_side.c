/* SPDX-License-Identifier: BSD-3-Clause */
#include "source_hdf5_internal.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * R, MATLAB, Julia and Fortran write the columns of a matrix one behind the other, so that their
 * (N, D) is (D, N) in the file. Where MATLAB or Octave say so, hdf5_meaning knows it. Otherwise the
 * shapes of all that is asked for together may leave no doubt: (3, 100) beside (100).
 */
struct sheets {
    struct hdf5_shape *item;
    size_t n, n_inputs;
    bool marked;
    char first[NAME_SIZE]; /* of them */
};

static status add_sheet(const struct source *source, struct hdf5_reader *reader, const char *name,
                        struct sheets *sheets)
{
    char dataset[NAME_SIZE];
    struct hdf5_shape shape;
    struct hdf5_meaning meaning;
    /* What is wrong with it is said where it is read. */
    if (hdf5_resolve(source, reader, name, dataset) != STATUS_OK ||
        hdf5_shape(reader->file, dataset, &shape) != STATUS_OK ||
        (shape.kind != HDF5_FLOAT && shape.kind != HDF5_INTEGER && shape.kind != HDF5_STRING) ||
        (shape.rank != 1 && shape.rank != 2))
        return STATUS_OK;
    status outcome =
        memory_grow(&sheets->item, sheets->n, sheets->n + 1, sizeof *sheets->item, "shapes");
    if (outcome != STATUS_OK)
        return outcome;
    if (hdf5_meaning_find(reader->file, dataset, &meaning) == STATUS_OK)
        sheets->marked = sheets->marked || meaning.on_side;
    hdf5_meaning_release(&meaning);
    if (sheets->n == 0)
        snprintf(sheets->first, sizeof sheets->first, "%s", dataset);
    sheets->item[sheets->n++] = shape;
    return STATUS_OK;
}

static status add_sheets(const struct source *source, struct hdf5_reader *reader,
                         const struct hdf5_columns *columns, const char *request,
                         struct sheets *sheets)
{
    struct string_list names = {0};
    bool has_default = hdf5_exists(reader->file, columns->default_dataset);
    bool takes_default = has_default && !request;
    status outcome = request ? string_list_add_split(&names, request) : STATUS_OK;
    for (size_t i = 0; i < names.n && outcome == STATUS_OK; i++) {
        if (hdf5_exists(reader->file, names.item[i]))
            outcome = add_sheet(source, reader, names.item[i], sheets);
        else /* a column of it, perhaps */
            takes_default = has_default;
    }
    if (takes_default && outcome == STATUS_OK)
        outcome = add_sheet(source, reader, columns->default_dataset, sheets);
    string_list_release(&names);
    return outcome;
}

static uint64_t columns_of(const struct hdf5_shape *shape)
{
    return shape->rank == 2 ? shape->dims[1] : 1;
}

static bool all_upright(const struct sheets *sheets, uint64_t rows)
{
    for (size_t i = 0; i < sheets->n; i++)
        if (sheets->item[i].dims[0] != rows)
            return false;
    return true;
}

/* Whether each sheet has this number of rows, or of columns. */
static bool fits(const struct sheets *sheets, uint64_t rows)
{
    for (size_t i = 0; i < sheets->n; i++)
        if (sheets->item[i].dims[0] != rows &&
            (sheets->item[i].rank == 1 || sheets->item[i].dims[1] != rows))
            return false;
    return rows > 1;
}

static bool all_have_shape_of_first(const struct sheets *sheets)
{
    for (size_t i = 0; i < sheets->n; i++)
        if (sheets->item[i].rank != 2 || sheets->item[i].dims[0] != sheets->item[0].dims[0] ||
            sheets->item[i].dims[1] != sheets->item[0].dims[1])
            return false;
    return sheets->n > sheets->n_inputs;
}

/* As many inputs as the model has are rows, not columns. */
static bool model_has_rows(const struct sheets *sheets, size_t model_inputs)
{
    uint64_t rows = 0, columns = 0;
    for (size_t i = 0; i < sheets->n_inputs; i++) {
        rows += sheets->item[i].dims[0];
        columns += columns_of(&sheets->item[i]);
    }
    return sheets->item[0].rank == 2 && rows == model_inputs && columns != model_inputs &&
           fits(sheets, sheets->item[0].dims[1]);
}

/* The samples, if some lie on their side; 0 if none does or it cannot be told. */
static uint64_t samples_on_side(const struct sheets *sheets, size_t model_inputs)
{
    const struct hdf5_shape *first = &sheets->item[0];
    if (sheets->n_inputs == 0 || sheets->marked)
        return 0;
    if (!all_upright(sheets, first->dims[0])) {
        bool as_rows = fits(sheets, first->dims[0]);
        bool as_columns =
            first->rank == 2 && first->dims[1] != first->dims[0] && fits(sheets, first->dims[1]);
        return as_rows == as_columns ? 0 : as_rows ? first->dims[0] : first->dims[1];
    }
    if (model_inputs)
        return model_has_rows(sheets, model_inputs) ? first->dims[1] : 0;
    /* One sample with as many targets as inputs: two columns. */
    return first->dims[0] == 1 && columns_of(first) > 1 && all_have_shape_of_first(sheets)
               ? first->dims[1]
               : 0;
}

static status check_squares(const struct source *source, const struct sheets *sheets,
                            uint64_t samples)
{
    for (size_t i = 0; i < sheets->n; i++)
        if (sheets->item[i].rank == 2 && sheets->item[i].dims[0] == samples &&
            sheets->item[i].dims[1] == samples)
            return status_set(STATUS_USAGE,
                              "%s: some of the arrays lie on their side (transposed, as R, MATLAB, "
                              "Julia and Fortran write them), but of a square one of %" PRIu64
                              " rows that cannot be told; save all with samples as rows",
                              source->path, samples);
    return STATUS_OK;
}

static status say_side(struct source *source, const struct sheets *sheets, uint64_t samples)
{
    char text[NAME_SIZE + 300], shape[SHAPE_TEXT];
    const struct hdf5_shape *first = &sheets->item[0];
    if (samples) {
        snprintf(text, sizeof text,
                 "%s: '%s' (%s)%s on its side (transposed, as R, MATLAB, Julia and Fortran write "
                 "arrays): read as %" PRIu64 " samples",
                 source->path, sheets->first, hdf5_shape_text(first, shape),
                 first->dims[0] == samples ? " is upright, but another array lies" : " lies",
                 samples);
        return string_list_add(&source->info.notes, text);
    }
    if (sheets->n_inputs == 0 || sheets->marked || source->asked.model_inputs ||
        !all_have_shape_of_first(sheets) || first->dims[0] * 2 > first->dims[1])
        return STATUS_OK;
    snprintf(text, sizeof text,
             "%s: read as %" PRIu64 " samples with %" PRIu64 " inputs and as many targets; if the "
             "arrays lie on their side (as R, MATLAB, Julia and Fortran write them) transpose them",
             source->path, first->dims[0], first->dims[1]);
    return string_list_add(&source->info.notes, text);
}

status hdf5_find_side(const struct source_request *request, struct source *source,
                      struct hdf5_reader *reader)
{
    struct sheets sheets = {0};
    status outcome = add_sheets(source, reader, &reader->x, request->inputs, &sheets);
    sheets.n_inputs = sheets.n;
    if (outcome == STATUS_OK)
        outcome = add_sheets(source, reader, &reader->y, request->targets, &sheets);
    if (outcome == STATUS_OK && sheets.n > 0) {
        size_t model_inputs = request->model_inputs ? request->model_inputs->n : 0;
        reader->samples_on_side = samples_on_side(&sheets, model_inputs);
        if (reader->samples_on_side)
            outcome = check_squares(source, &sheets, reader->samples_on_side);
        if (outcome == STATUS_OK)
            outcome = say_side(source, &sheets, reader->samples_on_side);
    }
    memory_free(&sheets.item);
    return outcome;
}
