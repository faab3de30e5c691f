/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_OPTIMIZER_KIND_H
#define COTERIE_MODEL_OPTIMIZER_KIND_H

#include <stdbool.h>

/* The optimisers, and the averages that they keep. optimizer.h says what each does. */
enum optimizer_kind {
    OPTIMIZER_GD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_ADAM,
    OPTIMIZER_EM /* no step along a gradient: train/em/em.h */
};
enum { OPTIMIZER_MAX_SLOTS = 2 };

struct optimizer_method {
    bool has_steps; /* along a gradient; else train/em has the update */
    int n_slots;
    const char *slot[OPTIMIZER_MAX_SLOTS];     /* names in a checkpoint */
    bool slot_of_squares[OPTIMIZER_MAX_SLOTS]; /* an average of squared gradients */
};

/* By enum optimizer_kind. */
extern const struct optimizer_method optimizer_methods[];

static inline const struct optimizer_method *optimizer_method_of(enum optimizer_kind kind)
{
    return &optimizer_methods[kind];
}

#endif
