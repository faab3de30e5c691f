/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/rng.h"

#include <string.h>

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    const uint32_t multiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
    const uint32_t weyl[2] = {0x9E3779B9u, 0xBB67AE85u};
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)multiplier[0] * c[0];
        uint64_t product1 = (uint64_t)multiplier[1] * c[2];
        uint32_t next[4] = {(uint32_t)(product1 >> 32) ^ c[1] ^ k[0], (uint32_t)product1,
                            (uint32_t)(product0 >> 32) ^ c[3] ^ k[1], (uint32_t)product0};
        memcpy(c, next, sizeof c);
        k[0] += weyl[0];
        k[1] += weyl[1];
    }
    memcpy(out, c, sizeof c);
}

void rng_init(struct rng *rng, uint64_t seed, enum rng_purpose purpose, uint32_t id, uint32_t step)
{
    rng->key[0] = (uint32_t)seed;
    rng->key[1] = (uint32_t)(seed >> 32);
    rng->counter[0] = 0;
    rng->counter[1] = (uint32_t)purpose;
    rng->counter[2] = id;
    rng->counter[3] = step;
    rng->used = 4;
}

uint32_t rng_next(struct rng *rng)
{
    if (rng->used == 4) {
        rng_philox(rng->counter, rng->key, rng->block);
        /* The upper 24 bits of counter[1] take the carry: 2^56 blocks a stream. */
        if (++rng->counter[0] == 0)
            rng->counter[1] += 1u << 8;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

uint64_t rng_next_u64(struct rng *rng)
{
    uint64_t low = rng_next(rng);
    return low | (uint64_t)rng_next(rng) << 32;
}

double rng_uniform(struct rng *rng)
{
    return (double)(rng_next_u64(rng) >> 11) * 0x1p-53;
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
    /* Numbers under 2^64 mod n would make the small remainders more likely: draw again. */
    uint64_t reject_below = (0 - n) % n;
    uint64_t number;
    do
        number = rng_next_u64(rng);
    while (number < reject_below);
    return number % n;
}

void rng_permutation(struct rng *rng, uint64_t n, uint64_t *order)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t j = rng_below(rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}
