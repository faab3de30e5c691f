/* SPDX-License-Identifier: BSD-3-Clause */
#include "source_hdf5_internal.h"

#include "base/memory.h"
#include "base/real.h"
#include "base/stop_request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUES_PER_BLOCK = 1 << 15, BYTES_PER_PIECE = 1 << 17 };

/* True where its program says that there is no value. */
static status apply_mask(struct hdf5_file *file, const struct hdf5_part *part, size_t first,
                         size_t n, double *out)
{
    double *masked = NULL;
    status outcome = memory_alloc(&masked, n, sizeof *masked, "a mask");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(file, part->foreign.mask, first, n, HDF5_AS_DOUBLE, masked);
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        if (masked[i] != 0)
            out[i] = NAN;
    memory_free(&masked);
    return outcome;
}

static status stored_rows(struct hdf5_file *file, const char *name, const struct hdf5_part *part,
                          size_t first, size_t n, double *out)
{
    return part->on_side ? hdf5_read_columns(file, name, first, n, out)
                         : hdf5_read_rows(file, name, first, n, HDF5_AS_DOUBLE, out);
}

static status make_meant(struct hdf5_file *file, const struct hdf5_part *part, size_t first,
                         size_t n, double *out)
{
    hdf5_meaning_apply(&part->meaning, out, n * part->width);
    return part->foreign.mask ? apply_mask(file, part, first, n, out) : STATUS_OK;
}

status hdf5_part_read(struct hdf5_file *file, const char *name, const struct hdf5_part *part,
                      size_t first, size_t n, double *out)
{
    size_t per_block = part->width < VALUES_PER_BLOCK ? VALUES_PER_BLOCK / part->width : 1;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n && outcome == STATUS_OK; i += per_block) {
        size_t rows = n - i < per_block ? n - i : per_block;
        outcome = stop_request_check(hdf5_path(file));
        if (outcome == STATUS_OK)
            outcome = stored_rows(file, name, part, first + i, rows, out + i * part->width);
    }
    return outcome == STATUS_OK ? make_meant(file, part, first, n, out) : outcome;
}

status hdf5_part_reason(struct hdf5_file *file, const char *name, const struct hdf5_part *part,
                        size_t row, size_t column, char text[HDF5_REASON])
{
    double *stored = NULL, masked = 0;
    text[0] = '\0';
    status outcome = memory_alloc(&stored, part->width, sizeof *stored, "a sample");
    if (outcome == STATUS_OK)
        outcome = stored_rows(file, name, part, row, 1, stored);
    if (outcome == STATUS_OK && part->foreign.mask)
        outcome = hdf5_read_rows(file, part->foreign.mask, row, 1, HDF5_AS_DOUBLE, &masked);
    if (outcome == STATUS_OK && masked != 0)
        snprintf(text, HDF5_REASON, "by the mask '%.120s'", part->foreign.mask);
    else if (outcome == STATUS_OK)
        hdf5_meaning_reason(&part->meaning, stored[column], text);
    memory_free(&stored);
    return outcome;
}

static status not_finite(const struct source *source, const struct hdf5_columns *columns,
                         const struct string_list *names, size_t row, size_t column, double number)
{
    struct hdf5_reader *reader = source->reader;
    char reason[HDF5_REASON];
    size_t d = columns->datasets.n - 1;
    while (columns->part[d].offset > column)
        d--;
    const char *dataset = columns->datasets.item[d];
    status outcome = hdf5_part_reason(reader->file, dataset, &columns->part[d], row,
                                      columns->column[column], reason);
    if (outcome != STATUS_OK)
        return outcome;
    if (*reason)
        return status_set(STATUS_USAGE,
                          "%s, '%s', row %zu (from 0), column '%s': has no value (%s); remove that "
                          "sample{, or choose other columns with @%s}",
                          source->path, dataset, row, names->item[column], reason, columns->option);
    return status_set(STATUS_USAGE,
                      "%s, '%s', row %zu (from 0), column '%s': %g is not a finite number; correct "
                      "it or remove that sample",
                      source->path, dataset, row, names->item[column], number);
}

/* Room for one row of any of the data sets, and for many of a narrow one. */
static size_t piece_bytes(const struct hdf5_columns *columns)
{
    size_t bytes = BYTES_PER_PIECE;
    for (size_t d = 0; d < columns->datasets.n; d++)
        if (columns->part[d].width * sizeof(double) > bytes)
            bytes = columns->part[d].width * sizeof(double);
    return bytes;
}

/* Whole rows of data set number d as they are stored; numbers pass through a piece of cache. */
static status read_upright(struct hdf5_file *file, struct hdf5_columns *columns, size_t d,
                           size_t first, size_t n, double *out)
{
    const char *name = columns->datasets.item[d];
    const size_t width = columns->part[d].width;
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

static status read_rows(struct hdf5_file *file, struct hdf5_columns *columns, size_t d,
                        size_t first, size_t n, double *out)
{
    const struct hdf5_part *part = &columns->part[d];
    if (part->on_side)
        return hdf5_part_read(file, columns->datasets.item[d], part, first, n, out);
    status outcome = read_upright(file, columns, d, first, n, out);
    return outcome == STATUS_OK ? make_meant(file, part, first, n, out) : outcome;
}

/* The part of the array's columns that comes from data set number d. */
static status read_part(struct hdf5_file *file, struct hdf5_columns *columns, size_t d,
                        size_t first, size_t n, double *out)
{
    const size_t width = columns->part[d].width, begin = columns->part[d].offset;
    const size_t end = d + 1 < columns->datasets.n ? columns->part[d + 1].offset : columns->n;
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
    bool whole = columns->datasets.n == 1 && columns->part[0].width == columns->n;
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

/* With codes_gaps a gap in an input is one of its column, not of its row. */
static status count_gap(struct source_gaps_found *gaps, const struct string_list *names, size_t c)
{
    status outcome = STATUS_OK;
    if (gaps && !gaps->cells)
        outcome = memory_alloc(&gaps->cells, names->n, sizeof *gaps->cells, "gaps of columns");
    if (gaps && outcome == STATUS_OK) {
        gaps->names = names;
        gaps->cells[c]++;
    }
    return outcome;
}

/* Number i of what was read from row `first` on is missing, and may be. */
static status mark_gap(const struct source *source, const struct hdf5_columns *columns,
                       const struct string_list *names, size_t first, size_t i, double *out)
{
    struct hdf5_reader *reader = source->reader;
    struct source_gaps_found *gaps = reader->gaps;
    size_t row = first + i / columns->n;
    status outcome = STATUS_OK;
    bool is_input = columns == &reader->x;
    if (is_input && source->asked.codes_gaps) {
        out[i] = NAN;
        return count_gap(gaps, names, i % columns->n);
    }
    if (gaps && !*gaps->first) {
        outcome = not_finite(source, columns, names, row, i % columns->n, out[i]);
        snprintf(gaps->first, sizeof gaps->first, "%s", status_text());
        outcome = outcome == STATUS_FAILED ? outcome : STATUS_OK;
    }
    if (gaps)
        gaps->row[row] = true;
    return outcome;
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
        if (isnan(out[i]) && columns->may_lack)
            outcome = mark_gap(source, columns, names, first, i, out);
        else if (!isfinite(out[i]))
            outcome =
                not_finite(source, columns, names, first + i / columns->n, i % columns->n, out[i]);
    return outcome;
}

status hdf5_columns_stored(const struct source *source, const struct hdf5_columns *columns,
                           enum hdf5_number *number)
{
    struct hdf5_reader *reader = source->reader;
    *number = HDF5_NO_NUMBER;
    const struct hdf5_part *part = columns->part;
    bool as_stored =
        is_whole_dataset(columns) && part->meaning.plain && !part->on_side && !part->foreign.mask;
    return as_stored ? hdf5_stored(reader->file, columns->datasets.item[0], number) : STATUS_OK;
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
