/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_TARGET_MIXTURE_H
#define COTERIE_MODEL_TARGET_MIXTURE_H

#include "model/mixture/dispersion.h"

#include <stddef.h>

/*
 * The predictive distribution of one target: a mixture of the experts' distributions with
 * proportions g, outputs o and what an expert has beside them.
 */
struct target_mixture {
    size_t n_experts;
    const double *g, *o;                 /* (E) */
    const struct dispersion *dispersion; /* (E) */
};

#endif
