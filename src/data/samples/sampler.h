/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SAMPLER_H
#define COTERIE_DATA_SAMPLER_H

#include "base/status.h"
#include "data/samples/epoch_order.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Which samples make up which batch of which epoch. A batch of all samples keeps their order;
 * smaller ones are drawn without replacement, in the order that epoch_order.h tells. The last batch
 * of an epoch may be smaller. Local.
 */
struct sampler {
    struct epoch_order order;
    size_t batch_size;
    size_t n_batches; /* per epoch */
    uint64_t epoch;

    /* NULL for full batches. Of the batch given out last, and of the window its end is in. */
    uint64_t *rows;      /* (batch_size) samples */
    uint64_t *place;     /* (batch_size) their places in their windows */
    size_t first;        /* the position of its first sample in the epoch */
    uint64_t *in_window; /* (largest window) */
    struct epoch_window window;
    struct epoch_blocks blocks;
};

/* batch_size 0, or >= n: all samples in one batch. block 0, or >= n: one block. */
status sampler_init(struct sampler *sampler, size_t n, size_t batch_size, size_t block,
                    uint64_t seed);
void sampler_release(struct sampler *sampler);
/* Bytes that sampler_init takes with these arguments. */
double sampler_bytes(size_t n, size_t batch_size, size_t block);

void sampler_start_epoch(struct sampler *sampler, uint64_t epoch);

/*
 * Batch number `index` of the epoch: its size is returned; *first is the position in the epoch that
 * it begins at; *rows are its samples until the next call, or NULL where they are those of the
 * positions themselves.
 */
size_t sampler_batch(struct sampler *sampler, size_t index, const uint64_t **rows, size_t *first);

#endif
