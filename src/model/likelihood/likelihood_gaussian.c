/* SPDX-License-Identifier: BSD-3-Clause */
/* l = -q / (2 s2) - O/2 ln s2, q = |d - o|^2, s2 the variance; any output function */
#include "likelihood_parts.h"

#include <math.h>

LEAF_KERNEL static void gaussian_row(size_t n, real scale, real offset, const real *restrict square,
                                     real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        loglik[i] = scale * square[i] + offset;
}

static void forward(const struct likelihood *likelihood, double variance, size_t stride,
                    const real *d, real *z_to_o, real *loglik, real *square)
{
    const struct output_function *output = &output_functions[likelihood->output];
    size_t n_outputs = likelihood->n_outputs;
    if (output->apply)
        output->apply(n_outputs, stride, z_to_o);
    likelihood_squares(n_outputs, stride, d, z_to_o, square);
    gaussian_row(stride, (real)(-0.5 / variance), (real)(-0.5 * (double)n_outputs * log(variance)),
                 square, loglik);
}

static void backward(const struct likelihood *likelihood, double variance, size_t stride,
                     const real *d, const real *o, const real *coefficient, real *d_z)
{
    likelihood_chain(likelihood, (real)(1 / variance), stride, d, o, o, coefficient, d_z);
}

const struct likelihood_family likelihood_gaussian = {.name = "gaussian",
                                                      .output = OUTPUT_ANY,
                                                      .has_variance = true,
                                                      .is_closed_form = true,
                                                      .forward = forward,
                                                      .backward = backward};
