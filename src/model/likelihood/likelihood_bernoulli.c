/* SPDX-License-Identifier: BSD-3-Clause */
/* l = sum_k d_k ln o_k + (1 - d_k) ln(1 - o_k), formed from z before o replaces it */
#include "likelihood_parts.h"

#include "math/vector_math.h"

#include <string.h>

/* loglik += d z - ln(1 + e^z), which is d ln o + (1 - d) ln(1 - o) without cancellation */
LEAF_KERNEL static void add_bernoulli(size_t n, const real *restrict d, const real *restrict z,
                                      real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        real positive = z[i] > 0 ? z[i] : 0;
        loglik[i] += d[i] * z[i] - positive - real_log1p(real_exp(-real_abs(z[i])));
    }
}

static void forward(const struct likelihood *likelihood, double variance, size_t stride,
                    const real *d, real *z_to_o, real *loglik, real *square)
{
    (void)variance;
    memset(loglik, 0, stride * sizeof(real));
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        add_bernoulli(stride, d + k * stride, z_to_o + k * stride, loglik);
    output_functions[OUTPUT_LOGISTIC].apply(likelihood->n_outputs, stride, z_to_o);
    likelihood_squares(likelihood->n_outputs, stride, d, z_to_o, square);
}

const struct likelihood_family likelihood_bernoulli = {.name = "bernoulli",
                                                       .output = OUTPUT_LOGISTIC,
                                                       .is_classifier = true,
                                                       .forward = forward,
                                                       .backward = likelihood_canonical};
