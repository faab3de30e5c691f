#ifndef COTERIE_DATA_ROW_BLOCKS_H
#define COTERIE_DATA_ROW_BLOCKS_H

#include "coterie/data/source.h"

/*
 * Goes through chosen samples of a source in blocks of bounded size:
 *
 *     while (row_blocks_next(&blocks, &outcome))
 *         for (size_t i = 0; i < blocks.n; i++)
 *             ... row_blocks_x(&blocks, i) is the sample rows[blocks.begin + i] ...
 *
 * Private to the data layer; Local.
 */
struct row_blocks {
    struct source *source;
    const uint64_t *rows; /* (n_rows), ascending; the caller's */
    size_t n_rows;
    size_t per_block; /* rows of the file read at once */
    size_t begin, n;  /* the present block: rows[begin .. begin+n-1] */
    double *x, *y;    /* (per_block, D) and (per_block, T) */
};

status row_blocks_init(struct row_blocks *blocks, struct source *source, const uint64_t *rows,
                       size_t n_rows);
void row_blocks_release(struct row_blocks *blocks);

/* False at the end and after a failure. */
bool row_blocks_next(struct row_blocks *blocks, status *outcome);

const double *row_blocks_x(const struct row_blocks *blocks, size_t i);
const double *row_blocks_y(const struct row_blocks *blocks, size_t i);

#endif
