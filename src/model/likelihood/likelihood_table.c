/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/likelihood/likelihood.h"

#include "likelihood_parts.h"

#include <string.h>

#define ROW_OF_TABLE(KIND, name, word) [KIND] = &likelihood_##name,
const struct likelihood_family *const likelihood_families[] = {LIKELIHOODS(ROW_OF_TABLE)};

#define NAME(KIND, name, word) [KIND] = (word),
const char *const likelihood_names[] = {LIKELIHOODS(NAME)};

double likelihood_cdf(const struct likelihood_family *family, const struct target_mixture *mixture,
                      double t)
{
    return family->counts ? count_mixture_cdf(family->counts, mixture, t)
                          : mixture_cdf(family->continuous, mixture, t);
}

double likelihood_quantile(const struct likelihood_family *family,
                           const struct target_mixture *mixture, double p)
{
    return family->counts ? count_mixture_quantile(family->counts, mixture, p)
                          : mixture_quantile(family->continuous, mixture, p);
}

void likelihood_forward(const struct likelihood *likelihood, struct dispersion dispersion,
                        size_t stride, const real *d, real *z_to_o, real *loglik, real *square)
{
    const struct output_function *output = &output_functions[likelihood->output];
    if (d)
        likelihood_family(likelihood->kind)
            ->forward(likelihood, dispersion, stride, d, z_to_o, loglik, square);
    else if (output->apply)
        output->apply(likelihood->n_outputs, stride, z_to_o);
    if (!d)
        likelihood_scale_outputs(likelihood, dispersion, stride, z_to_o);
}

void likelihood_backward(const struct likelihood *likelihood, struct dispersion dispersion,
                         size_t stride, const real *d, const real *o, const real *coefficient,
                         real *d_z)
{
    likelihood_family(likelihood->kind)
        ->backward(likelihood, dispersion, stride, d, o, coefficient, d_z);
}

void likelihood_backward_square(const struct likelihood *likelihood, size_t stride, const real *d,
                                const real *prediction, const real *o, const real *coefficient,
                                real *d_z)
{
    likelihood_chain(likelihood, 1, stride, d, prediction, o, coefficient, d_z);
}

LEAF_KERNEL static void agreement_row(size_t n, const real *restrict d, const real *restrict o,
                                      const real *restrict y, real *restrict agreement)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        agreement[i] += (d[i] - y[i]) * (o[i] - y[i]);
}

void likelihood_agreement(const struct likelihood *likelihood, size_t stride, const real *d,
                          const real *o, const real *y, real *agreement)
{
    memset(agreement, 0, stride * sizeof(real));
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        agreement_row(stride, d + k * stride, o + k * stride, y + k * stride, agreement);
}
