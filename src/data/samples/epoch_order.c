/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/epoch_order.h"

#include "base/memory.h"
#include "base/rng.h"

size_t epoch_order_auto_block(size_t n, size_t width)
{
    const size_t numbers = (size_t)1 << 18, most = (size_t)1 << 14;
    if (n <= EPOCH_WINDOW_BLOCKS * numbers / width)
        return n;
    size_t block = numbers / width;
    return block == 0 ? 1 : block < most ? block : most;
}

size_t epoch_order_n_blocks(const struct epoch_order *order)
{
    return (order->n - 1) / order->block + 1;
}

size_t epoch_order_n_windows(const struct epoch_order *order)
{
    return (epoch_order_n_blocks(order) - 1) / EPOCH_WINDOW_BLOCKS + 1;
}

size_t epoch_order_largest_window(const struct epoch_order *order)
{
    return order->n / EPOCH_WINDOW_BLOCKS < order->block ? order->n
                                                         : order->block * EPOCH_WINDOW_BLOCKS;
}

status epoch_blocks_init(struct epoch_blocks *blocks, const struct epoch_order *order)
{
    blocks->last_at = 0;
    return memory_alloc(&blocks->block, epoch_order_n_blocks(order), sizeof *blocks->block,
                        "the order of the samples");
}

void epoch_blocks_release(struct epoch_blocks *blocks)
{
    memory_free(&blocks->block);
}

void epoch_blocks_shuffle(struct epoch_blocks *blocks, const struct epoch_order *order,
                          uint64_t epoch)
{
    struct rng rng;
    size_t n = epoch_order_n_blocks(order);
    rng_init(&rng, order->seed, RNG_SHUFFLE_BLOCKS, (uint32_t)(epoch >> 32), (uint32_t)epoch);
    rng_permutation(&rng, n, blocks->block);
    blocks->last_at = 0;
    while (blocks->block[blocks->last_at] != n - 1)
        blocks->last_at++;
}

/* Where in the epoch block number `index` of its order begins. */
static size_t position_of(const struct epoch_order *order, const struct epoch_blocks *blocks,
                          size_t index)
{
    size_t n_blocks = epoch_order_n_blocks(order);
    size_t missing = n_blocks * order->block - order->n; /* of the last block */
    size_t last_at = blocks ? blocks->last_at : n_blocks - 1;
    return index * order->block - (index > last_at ? missing : 0);
}

struct epoch_window epoch_window(const struct epoch_order *order, const struct epoch_blocks *blocks,
                                 size_t window)
{
    size_t n_blocks = epoch_order_n_blocks(order);
    size_t begin = window * EPOCH_WINDOW_BLOCKS, end = begin + EPOCH_WINDOW_BLOCKS;
    size_t first = position_of(order, blocks, begin);
    return (struct epoch_window){
        window, first, position_of(order, blocks, end < n_blocks ? end : n_blocks) - first};
}

struct epoch_window epoch_window_at(const struct epoch_order *order,
                                    const struct epoch_blocks *blocks, size_t position)
{
    COTERIE_ASSERT(position < order->n);
    struct epoch_window found =
        epoch_window(order, blocks, position / order->block / EPOCH_WINDOW_BLOCKS);
    /* A small last block moves what comes after it forward. */
    if (position >= found.first + found.n)
        found = epoch_window(order, blocks, found.window + 1);
    return found;
}

void epoch_window_shuffle(const struct epoch_window *window, const struct epoch_order *order,
                          uint64_t epoch, uint64_t *place)
{
    struct rng rng;
    if (order->block >= order->n)
        rng_init(&rng, order->seed, RNG_SHUFFLE, (uint32_t)(epoch >> 32), (uint32_t)epoch);
    else
        rng_init(&rng, order->seed, RNG_SHUFFLE_WINDOW, (uint32_t)window->window, (uint32_t)epoch);
    rng_permutation(&rng, window->n, place);
}

uint64_t epoch_window_sample(const struct epoch_window *window, const struct epoch_order *order,
                             const struct epoch_blocks *blocks, size_t place)
{
    size_t position = window->first + place;
    if (!blocks)
        return position;
    size_t index = position / order->block;
    if (index >= blocks->last_at && position >= position_of(order, blocks, blocks->last_at + 1)) {
        size_t beyond = position - position_of(order, blocks, blocks->last_at + 1);
        index = blocks->last_at + 1 + beyond / order->block;
    }
    return blocks->block[index] * order->block + position - position_of(order, blocks, index);
}
