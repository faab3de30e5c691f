/* SPDX-License-Identifier: BSD-3-Clause */
/* l = sum_k d_k ln o_k, formed from ln o before o replaces it */
#include "likelihood_parts.h"

#include "math/softmax.h"
#include "math/vector_math.h"

#include <string.h>

/* loglik += d ln o; 0 ln 0 is 0 */
LEAF_KERNEL static void add_categorical(size_t n, const real *restrict d,
                                        const real *restrict log_o, real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        loglik[i] += d[i] != 0 ? d[i] * log_o[i] : 0;
}

LEAF_KERNEL static void exp_in_place(size_t n, real *log_o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_o[i] = real_exp(log_o[i]);
}

static void forward(const struct likelihood *likelihood, double variance, size_t stride,
                    const real *d, real *z_to_o, real *loglik, real *square)
{
    size_t n_outputs = likelihood->n_outputs;
    (void)variance;
    memset(loglik, 0, stride * sizeof(real));
    softmax_forward(n_outputs, stride, z_to_o, NULL, z_to_o);
    for (size_t k = 0; k < n_outputs; k++)
        add_categorical(stride, d + k * stride, z_to_o + k * stride, loglik);
    exp_in_place(n_outputs * stride, z_to_o);
    likelihood_squares(n_outputs, stride, d, z_to_o, square);
}

const struct likelihood_family likelihood_categorical = {.name = "categorical",
                                                         .output = OUTPUT_SOFTMAX,
                                                         .is_classifier = true,
                                                         .forward = forward,
                                                         .backward = likelihood_canonical};
