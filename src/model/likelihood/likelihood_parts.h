/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_LIKELIHOOD_PARTS_H
#define COTERIE_MODEL_LIKELIHOOD_PARTS_H

#include "model/likelihood/likelihood.h"

/* What the families share. All functions are Local. */

extern const struct likelihood_family likelihood_gaussian, likelihood_bernoulli,
    likelihood_categorical;

/* square = sum over the outputs of (d - o)^2 */
void likelihood_squares(size_t n_outputs, size_t n, const real *d, const real *o, real *square);

/* d_o = -coefficient * scale * (d - prediction) */
void likelihood_residuals(size_t n_outputs, size_t n, real scale, const real *d,
                          const real *prediction, const real *coefficient, real *d_o);

/* Canonical links (logistic with Bernoulli, softmax with categorical): d l / d z = d - o. */
void likelihood_canonical(const struct likelihood *likelihood, double variance, size_t stride,
                          const real *d, const real *o, const real *coefficient, real *d_z);

/* The same residuals, through the output function. */
void likelihood_chain(const struct likelihood *likelihood, real scale, size_t stride, const real *d,
                      const real *prediction, const real *o, const real *coefficient, real *d_z);

#endif
