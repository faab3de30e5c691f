/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_SOFTMAX_H
#define COTERIE_MATH_SOFTMAX_H

#include "base/real.h"

#include <stddef.h>

/*
 * Softmax over the rows of a block (rows, samples), for every sample; layout as in activation.h.
 * Sums run in the order of rows and in double; exponentials and logarithms are of the working
 * precision. Local.
 */

/* log_p = log softmax(z) and, unless p is NULL, p = softmax(z). log_p may be z. */
void softmax_forward(size_t rows, size_t stride, const real *z, real *p, real *log_p);

/*
 * The posterior of a mixture and its log-likelihood, per sample:
 *     h = softmax(log_g + loglik),  log_sum = log sum exp(log_g + loglik).
 * h may be NULL.
 */
void softmax_posterior(size_t rows, size_t stride, const real *log_g, const real *loglik, real *h,
                       double *log_sum);

#endif
