/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_RNG_H
#define COTERIE_BASE_RNG_H

#include <stdint.h>

/*
 * Counter-based random numbers, Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011). A stream is
 * named by (seed, purpose, id, step); the rank never enters, so that any rank can make the numbers
 * of any expert or sample and gets the same ones. All functions are Local.
 */
enum rng_purpose {
    RNG_GATE_WEIGHTS = 1,
    RNG_EXPERT_WEIGHTS = 2, /* id: expert */
    RNG_SHUFFLE = 3,        /* step: epoch */
    RNG_SPLIT = 4,          /* training and validation samples */
    RNG_START = 5,          /* id: start; gives the seed of that start */
    RNG_SHUFFLE_BLOCKS = 6, /* step: epoch */
    RNG_SHUFFLE_WINDOW = 7, /* id: window, step: epoch */
    RNG_TWIN_EXPERT = 8,    /* id: expert that is split */
    RNG_TWIN_GATE = 9,      /* the same */
    RNG_FOLDS = 10,         /* which member of a committee does not see a sample */
    RNG_BOOTSTRAP = 11,     /* id: refit, step: chunk of samples */
    RNG_SPLIT_START = 12,   /* id: expert that a test splits, step: variant */
    RNG_KNOWN_SAMPLES = 13  /* which rows checkpoints tell of; id: held out or not */
};

struct rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    int used; /* numbers of `block` already given out */
};

/* The Philox4x32-10 block function. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

void rng_init(struct rng *rng, uint64_t seed, enum rng_purpose purpose, uint32_t id, uint32_t step);
uint32_t rng_next(struct rng *rng);
uint64_t rng_next_u64(struct rng *rng);

/* Uniform on [0, 1) with 53 bits. */
double rng_uniform(struct rng *rng);

/* Uniform on 0 .. n-1, without bias. n > 0. */
uint64_t rng_below(struct rng *rng, uint64_t n);

/* Fills order[0 .. n-1] with a random permutation of 0 .. n-1 (Fisher & Yates). */
void rng_permutation(struct rng *rng, uint64_t n, uint64_t *order);

#endif
