/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_ROW_BLOCKS_H
#define COTERIE_DATA_ROW_BLOCKS_H

#include "data/hdf5/hdf5_file.h"
#include "data/source/source.h"
#include "data/source/source_internal.h"

/*
 * Goes through chosen samples of a source in blocks of bounded size:
 *
 *     while (row_blocks_next(&blocks, &outcome))
 *         for (size_t i = 0; i < blocks.n; i++)
 *             ... row_blocks_x(&blocks, i) is the chosen sample blocks.begin + i ...
 *
 * Its numbers are of the types x_type and y_type, as source_view gives them. Samples whose numbers
 * follow each other in the file do so in memory. One at a time for a source, which has the room.
 * Private to the data layer; Local.
 */
struct row_blocks {
    struct source *source;
    const uint64_t *rows; /* (n_rows), ascending; the caller's. NULL: first, first + 1, ... */
    size_t first, n_rows;
    size_t per_block; /* most rows of the file read at once */
    size_t together;  /* see source_numbers; 0 and 1: no grouping */
    size_t begin, n;  /* the present block: begin .. begin+n-1 of the chosen samples */
    enum hdf5_number x_type, y_type;
    size_t x_bytes, y_bytes; /* of a row */
    struct source_view view; /* rooms of (per_block, D) and (per_block, T) */
};

/* rows[first .. first+n_rows-1], or where rows is NULL those samples of the source themselves. */
status row_blocks_init(struct row_blocks *blocks, struct source *source, const uint64_t *rows,
                       size_t first, size_t n_rows);

/* False at the end and after a failure. */
bool row_blocks_next(struct row_blocks *blocks, status *outcome);

/* The row of the source that chosen sample `i` is. */
static inline size_t row_blocks_row(const struct row_blocks *blocks, size_t i)
{
    return blocks->rows ? (size_t)blocks->rows[i] : blocks->first + i;
}

const void *row_blocks_x(const struct row_blocks *blocks, size_t i);
const void *row_blocks_y(const struct row_blocks *blocks, size_t i);

/* How many samples from number i of the block on follow each other in the file. */
size_t row_blocks_run(const struct row_blocks *blocks, size_t i);

#endif
