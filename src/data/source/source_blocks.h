/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SOURCE_BLOCKS_H
#define COTERIE_DATA_SOURCE_BLOCKS_H

#include "data/source/source.h"

/*
 * The one way over all samples of a source: in blocks of about a megabyte, so that they fit into
 * little memory, as doubles that are checked to be finite. (Loading them in the types of the file
 * is row_blocks.h.) Local.
 */

/* Rows of `width` numbers that make one block, or one chunk of a file. */
size_t source_block_rows(size_t width);

struct source_blocks {
    struct source *source;
    size_t most;     /* samples in a block */
    size_t first, n; /* the present block */
    double *x, *y;   /* (most, D), (most, T); x is NULL if only targets are read */
};

status source_blocks_init(struct source_blocks *blocks, struct source *source, bool only_targets);
void source_blocks_release(struct source_blocks *blocks);
/* Reads the next block; n is 0 at the end. */
status source_blocks_next(struct source_blocks *blocks);

/* All samples in their order: x (D, NULL if only targets are read) and y (T) of each. */
typedef void source_visitor(void *context, size_t sample, const double *x, const double *y);
status source_visit(struct source *source, bool only_targets, source_visitor *visit, void *context);

#endif
