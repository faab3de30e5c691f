/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_LIKELIHOOD_PARTS_H
#define COTERIE_MODEL_LIKELIHOOD_PARTS_H

#include "model/likelihood/likelihood.h"

/* What the families share. All functions are Local. */

#define ROW_OF_TABLE(KIND, name, word) extern const struct likelihood_family likelihood_##name;
/* cppcheck-suppress unknownMacro; it is in likelihood.h */
LIKELIHOODS(ROW_OF_TABLE)
#undef ROW_OF_TABLE

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

/* In double, for likelihood_newton. r = s (d - o): canonical links. */
void likelihood_residual_row(size_t n, const double *s, const double *d, const double *o,
                             double *r);

/*
 * For log densities: here, where exp and log are no vector functions, so that program and library
 * have the same bits. ln sum_k exp z_k, and ln(1 + e^-|z|).
 */
double likelihood_log_sum_exp(size_t n_outputs, size_t stride, const double *z);
double likelihood_log1p_exp(double z);

/* o (1 - o): of a target that is 0 or 1 */
double likelihood_binary_variance(double variance, double o);

#endif
