/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/sampler.h"

#include "base/memory.h"

#include <string.h>

status sampler_init(struct sampler *sampler, size_t n, size_t batch_size, size_t block,
                    uint64_t seed)
{
    static const char what[] = "the order of the samples";
    COTERIE_ASSERT(n > 0);
    memset(sampler, 0, sizeof *sampler);
    sampler->order = (struct epoch_order){n, block == 0 || block > n ? n : block, seed};
    sampler->batch_size = batch_size == 0 || batch_size > n ? n : batch_size;
    sampler->n_batches = (n - 1) / sampler->batch_size + 1;
    if (sampler->n_batches == 1)
        return STATUS_OK;
    size_t largest = epoch_order_largest_window(&sampler->order);
    status outcome = epoch_blocks_init(&sampler->blocks, &sampler->order);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&sampler->rows, sampler->batch_size, sizeof(uint64_t), what);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&sampler->place, sampler->batch_size, sizeof(uint64_t), what);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&sampler->in_window, largest, sizeof(uint64_t), what);
    if (outcome == STATUS_OK)
        sampler_start_epoch(sampler, 0);
    else
        sampler_release(sampler);
    return outcome;
}

double sampler_bytes(size_t n, size_t batch_size, size_t block)
{
    const struct epoch_order order = {n, block == 0 || block > n ? n : block, 0};
    if (batch_size == 0 || batch_size >= n)
        return 0;
    return (double)sizeof(uint64_t) *
           (2 * (double)batch_size + (double)epoch_order_largest_window(&order) +
            (double)epoch_order_n_blocks(&order));
}

void sampler_release(struct sampler *sampler)
{
    epoch_blocks_release(&sampler->blocks);
    memory_free(&sampler->rows);
    memory_free(&sampler->place);
    memory_free(&sampler->in_window);
}

void sampler_start_epoch(struct sampler *sampler, uint64_t epoch)
{
    sampler->epoch = epoch;
    if (!sampler->rows)
        return;
    epoch_blocks_shuffle(&sampler->blocks, &sampler->order, epoch);
    sampler->window.n = 0; /* none yet */
}

/* The window of a position, shuffled. */
static void go_to(struct sampler *sampler, size_t position)
{
    struct epoch_window *window = &sampler->window;
    if (position >= window->first && position < window->first + window->n)
        return;
    *window = epoch_window_at(&sampler->order, &sampler->blocks, position);
    epoch_window_shuffle(window, &sampler->order, sampler->epoch, sampler->in_window);
}

size_t sampler_batch(struct sampler *sampler, size_t index, const uint64_t **rows, size_t *first)
{
    COTERIE_ASSERT(index < sampler->n_batches);
    size_t begin = index * sampler->batch_size, left = sampler->order.n - begin;
    size_t size = left < sampler->batch_size ? left : sampler->batch_size;
    *first = sampler->first = begin;
    *rows = sampler->rows;
    for (size_t i = 0; sampler->rows && i < size; i++) {
        go_to(sampler, begin + i);
        size_t place = (size_t)sampler->in_window[begin + i - sampler->window.first];
        sampler->place[i] = place;
        sampler->rows[i] =
            epoch_window_sample(&sampler->window, &sampler->order, &sampler->blocks, place);
    }
    return size;
}
