/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/objective.h"

#include "math/softmax.h"

/* From coefficient = h on entry to w h, and the gate's gradient w (g - h). */
LEAF_KERNEL static void weigh_posterior(size_t n_experts, size_t n, const real *restrict w,
                                        const real *restrict g, real *restrict h_to_coefficient,
                                        real *restrict d_logit)
{
    for (size_t e = 0; e < n_experts; e++, g += n, h_to_coefficient += n, d_logit += n)
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            real h = h_to_coefficient[i];
            d_logit[i] = w[i] * (g[i] - h);
            h_to_coefficient[i] = w[i] * h;
        }
}

void objective_mixture(size_t n_experts, size_t stride, const real *w, const real *log_g,
                       const real *g, const real *loglik, real *coefficient, real *d_logit,
                       double *log_sum)
{
    softmax_posterior(n_experts, stride, log_g, loglik, coefficient, log_sum);
    weigh_posterior(n_experts, stride, w, g, coefficient, d_logit);
}

LEAF_KERNEL static void temper(size_t n, double beta, const real *restrict log_g,
                               const real *restrict loglik, real *restrict z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = (real)(beta * ((double)log_g[i] + (double)loglik[i]));
}

void objective_annealed_mixture(double beta, size_t n_experts, size_t stride, const real *w,
                                const real *log_g, const real *g, const real *loglik,
                                real *coefficient, real *d_logit, double *log_sum)
{
    softmax_posterior(n_experts, stride, log_g, loglik, NULL, log_sum);
    temper(n_experts * stride, beta, log_g, loglik, d_logit);
    softmax_forward(n_experts, stride, d_logit, coefficient, d_logit);
    weigh_posterior(n_experts, stride, w, g, coefficient, d_logit);
}

LEAF_KERNEL static void add_expected(size_t n, const real *restrict g, const real *restrict square,
                                     double *restrict error)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        error[i] += (double)g[i] * (double)square[i];
}

LEAF_KERNEL static void competitive_gradients(size_t n, const real *restrict w,
                                              const real *restrict g, const real *restrict square,
                                              const double *restrict error,
                                              real *restrict coefficient, real *restrict d_logit)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        coefficient[i] = 2 * w[i] * g[i];
        d_logit[i] = w[i] * g[i] * (real)((double)square[i] - error[i]);
    }
}

void objective_competitive(size_t n_experts, size_t stride, const real *w, const real *g,
                           const real *square, real *coefficient, real *d_logit, double *error)
{
    for (size_t i = 0; i < stride; i++)
        error[i] = 0;
    for (size_t e = 0; e < n_experts; e++)
        add_expected(stride, g + e * stride, square + e * stride, error);
    for (size_t e = 0; e < n_experts; e++) {
        size_t row = e * stride;
        competitive_gradients(stride, w, g + row, square + row, error, coefficient + row,
                              d_logit + row);
    }
}

LEAF_KERNEL static void share_of_gate(size_t n, const real *restrict w, const real *restrict g,
                                      real *restrict coefficient)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        coefficient[i] = 2 * w[i] * g[i];
}

void objective_cooperative(size_t n_experts, size_t stride, const real *w, const real *g,
                           real *coefficient)
{
    for (size_t e = 0; e < n_experts; e++)
        share_of_gate(stride, w, g + e * stride, coefficient + e * stride);
}

LEAF_KERNEL static void cooperative_gate_row(size_t n, const real *restrict w,
                                             const real *restrict g, const real *restrict agreement,
                                             real *restrict d_logit)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d_logit[i] = -2 * w[i] * g[i] * agreement[i];
}

void objective_cooperative_gate(size_t n_experts, size_t stride, const real *w, const real *g,
                                const real *agreement, real *d_logit)
{
    for (size_t e = 0; e < n_experts; e++) {
        size_t row = e * stride;
        cooperative_gate_row(stride, w, g + row, agreement + row, d_logit + row);
    }
}
