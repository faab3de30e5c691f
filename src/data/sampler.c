#include "coterie/data/sampler.h"

#include "coterie/base/memory.h"
#include "coterie/base/rng.h"

#include <string.h>

status sampler_init(struct sampler *sampler, size_t n, size_t batch_size, uint64_t seed)
{
    COTERIE_ASSERT(n > 0);
    memset(sampler, 0, sizeof *sampler);
    sampler->n = n;
    sampler->seed = seed;
    sampler->batch_size = batch_size == 0 || batch_size > n ? n : batch_size;
    sampler->n_batches = (n - 1) / sampler->batch_size + 1;
    if (sampler->n_batches == 1)
        return STATUS_OK;
    status outcome =
        memory_alloc(&sampler->order, n, sizeof *sampler->order, "the order of the samples");
    if (outcome == STATUS_OK)
        sampler_start_epoch(sampler, 0);
    return outcome;
}

void sampler_release(struct sampler *sampler)
{
    memory_free(&sampler->order);
}

void sampler_start_epoch(struct sampler *sampler, uint64_t epoch)
{
    struct rng rng;
    if (!sampler->order)
        return;
    rng_init(&rng, sampler->seed, RNG_SHUFFLE, (uint32_t)(epoch >> 32), (uint32_t)epoch);
    rng_permutation(&rng, sampler->n, sampler->order);
}

size_t sampler_batch(const struct sampler *sampler, size_t index, const uint64_t **rows,
                     size_t *first)
{
    COTERIE_ASSERT(index < sampler->n_batches);
    size_t begin = index * sampler->batch_size, left = sampler->n - begin;
    *first = begin;
    *rows = sampler->order ? sampler->order + begin : NULL;
    return left < sampler->batch_size ? left : sampler->batch_size;
}
