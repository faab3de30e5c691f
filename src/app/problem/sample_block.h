/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SAMPLE_BLOCK_H
#define COTERIE_APP_SAMPLE_BLOCK_H

#include "base/status.h"
#include "data/source/source.h"

#include <stddef.h>

/* Rows of `width` numbers that make one block, or one chunk of a file: about a megabyte. Local. */
size_t sample_block_rows(size_t width);

/* The samples in blocks that fit into little memory. */
struct sample_block {
    struct source *source;
    size_t most;     /* samples in a block */
    size_t first, n; /* the present block */
    double *x, *y;   /* (most, D), (most, T) */
};

status sample_block_init(struct sample_block *block, struct source *source);
void sample_block_release(struct sample_block *block);
/* Reads the next block; n is 0 at the end. */
status sample_block_next(struct sample_block *block);

#endif
