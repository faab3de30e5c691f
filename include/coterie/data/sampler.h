#ifndef COTERIE_DATA_SAMPLER_H
#define COTERIE_DATA_SAMPLER_H

#include "coterie/base/status.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Which samples make up which batch of which epoch. A batch of all samples keeps their order;
 * smaller ones are drawn without replacement, in an order that depends on seed and epoch only. The
 * last batch of an epoch may be smaller. Local.
 */
struct sampler {
    size_t n, batch_size;
    uint64_t seed;
    size_t n_batches; /* per epoch */
    uint64_t *order;  /* (n); NULL for full batches */
};

/* batch_size 0, or >= n: all samples in one batch. */
status sampler_init(struct sampler *sampler, size_t n, size_t batch_size, uint64_t seed);
void sampler_release(struct sampler *sampler);

void sampler_start_epoch(struct sampler *sampler, uint64_t epoch);

/*
 * Batch number `index` of the epoch: its size is returned; *rows are its samples, or NULL where it
 * is the contiguous run that begins at *first.
 */
size_t sampler_batch(const struct sampler *sampler, size_t index, const uint64_t **rows,
                     size_t *first);

#endif
