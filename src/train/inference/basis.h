/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_BASIS_H
#define COTERIE_TRAIN_INFERENCE_BASIS_H

#include "base/status.h"
#include "model/network/input_choice.h"

#include <stddef.h>

/*
 * Of inputs that depend on each other linearly (0/1 inputs of a category sum to 1; a constant is a
 * multiple of the bias) coefficients are not determined. As in R's lm, an input that is a linear
 * combination of those before it is left out, and what its coefficient did is given to those: a
 * network's output stays the same. Inputs that the network does not see are left out, too. All
 * functions are Local.
 */
struct basis {
    size_t n_units, n; /* W units, of which n are kept */
    size_t *unit;      /* (n) which, rising; the first is the bias, 0 */
    double *as_sum;    /* (W, W) each unit that is seen as a sum of the n kept ones */
};

/* From gram, sum w x x^T as moments of all W units (moments_at). */
status basis_init(struct basis *basis, size_t n_units, const struct input_choice *seen,
                  const double *gram);
void basis_release(struct basis *basis);

/* kept (n) from coefficients of all units: the same output by the units that are kept. */
void basis_reduce(const struct basis *basis, const double *all, double *kept);

#endif
