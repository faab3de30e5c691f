/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gate_terms.h"

#include "model/gate/routing.h"

#include <string.h>

void gate_terms_use(size_t n_experts, size_t stride, const real *w, const real *g, double *use)
{
    double total = routing_total(stride, w);
    for (size_t e = 0; e < n_experts; e++) {
        double sum = 0;
        for (size_t i = 0; i < stride; i++)
            sum += (double)w[i] * (double)g[e * stride + i];
        use[e] = total > 0 ? sum / total : 0;
    }
}

void gate_terms_balance(size_t n_experts, size_t stride, double weight, const real *w,
                        const real *g, const double *use, real *d_logit)
{
    /* The same as with a constant load, but that this one moves with the gate: hence the 2. */
    routing_balance_gradient(n_experts, stride, 2 * weight, w, g, use, d_logit);
}

/* Samples are taken in tiles whose sums stay in the first-level cache. */
enum { TILE = 256 };

/* H += -g log g, which is 0 where g is. */
LEAF_KERNEL static void add_entropy(size_t n, const real *restrict g, const real *restrict log_g,
                                    double *restrict entropy)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        entropy[i] -= g[i] > 0 ? (double)g[i] * (double)log_g[i] : 0;
}

LEAF_KERNEL static void entropy_gradient(size_t n, double weight, const real *restrict w,
                                         const real *restrict g, const real *restrict log_g,
                                         const double *restrict entropy, real *restrict d_logit)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double slope = g[i] > 0 ? (double)g[i] * ((double)log_g[i] + entropy[i]) : 0;
        d_logit[i] -= (real)(weight * (double)w[i] * slope);
    }
}

void gate_terms_entropy(size_t n_experts, size_t stride, double weight, const real *w,
                        const real *g, const real *log_g, real *d_logit)
{
    double entropy[TILE];
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        memset(entropy, 0, sizeof entropy);
        for (size_t e = 0; e < n_experts; e++)
            add_entropy(n, g + e * stride + at, log_g + e * stride + at, entropy);
        for (size_t e = 0; e < n_experts; e++) {
            size_t row = e * stride + at;
            entropy_gradient(n, weight, w + at, g + row, log_g + row, entropy, d_logit + row);
        }
    }
}
