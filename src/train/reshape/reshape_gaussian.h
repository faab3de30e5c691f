/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_RESHAPE_RESHAPE_GAUSSIAN_H
#define COTERIE_TRAIN_RESHAPE_RESHAPE_GAUSSIAN_H

#include "base/real.h"
#include "reshape_plan.h"

/*
 * Local. The parameters of a Gaussian gate. Twins have half of their parent's alpha; a pair that is
 * merged becomes the Gaussian with the mean and the covariance that both had together; what is
 * pruned leaves its alpha to the others.
 */
void reshape_gaussian_gate(const struct reshape *reshape, size_t n_inputs, const real *from,
                           real *to);

#endif
