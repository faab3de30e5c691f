/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_EPOCH_ORDER_H
#define COTERIE_DATA_EPOCH_ORDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The order in which an epoch takes its samples: a shuffle on two levels that whole blocks of a
 * file can be read in. Samples 0 .. n-1 are cut into blocks of `block` consecutive ones (the last
 * may be smaller); the blocks are put in random order; each EPOCH_WINDOW_BLOCKS of them in a row
 * are a window, and the samples of a window are put in random order once more. So two windows in
 * memory are enough, and the samples of a window come from all over the file.
 *
 * The order follows from n, block, seed and epoch alone. Data that are kept in memory take it too:
 * whether they were streamed changes no bit. With one block (block >= n) all samples are shuffled
 * as a whole. All functions are Local.
 */
enum { EPOCH_WINDOW_BLOCKS = 64 };

struct epoch_order {
    size_t n, block;
    uint64_t seed;
};

/*
 * The block for n samples of `width` numbers where the user has not chosen one: all samples if they
 * fit into one window of 2^24 numbers, else 2^18 numbers, but no more than 2^14 samples.
 */
size_t epoch_order_auto_block(size_t n, size_t width);

size_t epoch_order_n_blocks(const struct epoch_order *order);
size_t epoch_order_n_windows(const struct epoch_order *order);
size_t epoch_order_largest_window(const struct epoch_order *order); /* samples */

/* The blocks of an epoch in their order. NULL in the functions below: in the order of the file. */
struct epoch_blocks {
    uint64_t *block; /* (n_blocks), owned */
    size_t last_at;  /* where the last block of the file is in it */
};

status epoch_blocks_init(struct epoch_blocks *blocks, const struct epoch_order *order);
void epoch_blocks_release(struct epoch_blocks *blocks);
void epoch_blocks_shuffle(struct epoch_blocks *blocks, const struct epoch_order *order,
                          uint64_t epoch);

/* Window `window` takes the positions first .. first+n-1 of the epoch. */
struct epoch_window {
    size_t window, first, n;
};
struct epoch_window epoch_window(const struct epoch_order *order, const struct epoch_blocks *blocks,
                                 size_t window);

/* The window that position `position` of the epoch is in. */
struct epoch_window epoch_window_at(const struct epoch_order *order,
                                    const struct epoch_blocks *blocks, size_t position);

/* place[i], i < window->n: which of the window's samples comes as its i-th. */
void epoch_window_shuffle(const struct epoch_window *window, const struct epoch_order *order,
                          uint64_t epoch, uint64_t *place);

/* The sample at `place` of the window, places counted in the order of its blocks. */
uint64_t epoch_window_sample(const struct epoch_window *window, const struct epoch_order *order,
                             const struct epoch_blocks *blocks, size_t place);

#endif
