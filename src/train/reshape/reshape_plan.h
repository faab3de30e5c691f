/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_RESHAPE_RESHAPE_PLAN_H
#define COTERIE_TRAIN_RESHAPE_RESHAPE_PLAN_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of each expert; reshape.h says what that means. All functions are Root. */

enum reshape_action {
    RESHAPE_KEEP,
    RESHAPE_SPLIT,
    RESHAPE_PRUNE,
    RESHAPE_MERGE, /* takes `other` in */
    RESHAPE_GONE   /* into another */
};

struct reshape_expert {
    enum reshape_action action;
    size_t other; /* RESHAPE_MERGE */
    double share; /* RESHAPE_MERGE: u */
};

/*
 * Numbers of experts are those of the model before. Afterwards the experts that remain stand in
 * their order, a merged pair in the place of its first; behind them, in the same order, the second
 * of each pair of twins.
 */
struct reshape {
    size_t n_before, n_after;
    struct reshape_expert *expert; /* (n_before), owned */
    double spread;                 /* s; 0: the root of the working precision */
    uint64_t seed;                 /* of xi */
};

/* All experts are kept. */
status reshape_init(struct reshape *reshape, size_t n_experts, double spread, uint64_t seed);
void reshape_release(struct reshape *reshape);

/*
 * STATUS_USAGE if there is no such expert or something was said of it already. `share` is u of the
 * lower of both numbers.
 */
status reshape_split(struct reshape *reshape, size_t e);
status reshape_prune(struct reshape *reshape, size_t e);
status reshape_merge(struct reshape *reshape, size_t e, size_t f, double share);

/* Whether an expert has a place of its own afterwards. */
bool reshape_remains(const struct reshape_expert *expert);

/* The number that an expert has afterwards; of one that is gone, that it would have. */
size_t reshape_place(const struct reshape *reshape, size_t e);
/* The number of the second twin of an expert that is split. */
size_t reshape_twin(const struct reshape *reshape, size_t e);

#endif
