/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_SCHEDULE_H
#define COTERIE_TRAIN_SCHEDULE_H

#include <stdint.h>

/*
 * How the learning rate changes over the epochs: the factor it is multiplied with. Local.
 *
 *   constant           1
 *   cosine             (1 + cos(pi epoch / epochs)) / 2
 *   step:N:F           F^(epoch / N), whole division: every N epochs times F
 *   exponential:F      F^epoch
 *   warmup:N           (epoch + 1) / N for the first N epochs, then 1
 */
enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_COSINE,
    SCHEDULE_STEP,
    SCHEDULE_EXPONENTIAL,
    SCHEDULE_WARMUP
};

struct schedule {
    enum schedule_kind kind;
    uint64_t every; /* step, warmup: epochs, >= 1 */
    double factor;  /* step, exponential: in (0, 1] */
};

double schedule_factor(const struct schedule *schedule, uint64_t epoch, uint64_t epochs);

/*
 * Deterministic annealing: how beta of objective.h rises to 1, in equal factors from epoch to
 * epoch: beta = from^(1 - epoch / epochs) in the first `epochs`, then 1. Local.
 */
struct anneal {
    double from;     /* in (0, 1]; 1: no annealing */
    uint64_t epochs; /* >= 1 */
};

double anneal_beta(const struct anneal *anneal, uint64_t epoch);

#endif
