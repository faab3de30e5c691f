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
void likelihood_canonical(const struct likelihood *likelihood, struct dispersion dispersion,
                          size_t stride, const real *d, const real *o, const real *coefficient,
                          real *d_z);

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

/* o times mean_factor, if the family has one. */
void likelihood_scale_outputs(const struct likelihood *likelihood, struct dispersion dispersion,
                              size_t stride, real *o);

/* The row of a variance that is sigma^2 of targets. */
extern const struct dispersion_row likelihood_sigma;

/* Counts: whether d is one, and d ln d - d - ln d!, the part of ln p(d) that l leaves out. */
bool likelihood_is_count(double d);
double likelihood_count_base(double d);

/* o (1 - o): of a target that is 0 or 1 */
struct variance_terms likelihood_binary_variance(struct dispersion dispersion);

#endif
