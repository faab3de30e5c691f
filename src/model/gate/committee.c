/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/committee.h"

#include "math/softmax.h"
#include "model/gate/routing.h"

#include <math.h>

size_t committee_folds(size_t n_members)
{
    enum { MOST_FOLDS = 5 };
    for (size_t n = MOST_FOLDS; n > 1 && n_members > MOST_FOLDS; n--)
        if (n_members % n == 0)
            return n;
    return n_members;
}

LEAF_KERNEL static void share_out(size_t n, real share, real log_share, real *restrict g,
                                  real *restrict log_g)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        g[i] *= share;
        log_g[i] += log_share;
    }
}

void committee_forward(size_t n_members, size_t n_experts, size_t stride, const real *z, real *g,
                       real *log_g)
{
    size_t own = n_experts / n_members, block = own * stride;
    const real share = (real)(1 / (double)n_members), log_share = (real)-log((double)n_members);
    for (size_t m = 0; m < n_members; m++)
        softmax_forward(own, stride, z + m * block, g + m * block, log_g + m * block);
    if (n_members > 1)
        share_out(n_experts * stride, share, log_share, g, log_g);
}

LEAF_KERNEL static void show_member(size_t n, size_t left_out, real n_folds, real log_n,
                                    const uint8_t *restrict fold, real *restrict g,
                                    real *restrict log_g)
{
    for (size_t i = 0; i < n; i++) {
        g[i] = fold[i] == left_out ? n_folds * g[i] : 0;
        log_g[i] = fold[i] == left_out ? log_n + log_g[i] : ROUTING_NOT_CHOSEN;
    }
}

void committee_show_unseen(size_t n_members, size_t n_experts, size_t stride, const uint8_t *fold,
                           real *g, real *log_g)
{
    size_t own = n_experts / n_members, n_folds = committee_folds(n_members);
    const real log_n = (real)log((double)n_folds);
    for (size_t e = 0; e < n_experts; e++)
        show_member(stride, e / own % n_folds, (real)n_folds, log_n, fold, g + e * stride,
                    log_g + e * stride);
}

/* From coefficient = h on entry to w h, and the gate's gradient w (M g - h). */
LEAF_KERNEL static void weigh_member(size_t n, size_t left_out, real n_members,
                                     const real *restrict w, const uint8_t *restrict fold,
                                     const real *restrict g, real *restrict h_to_coefficient,
                                     real *restrict d_logit)
{
    for (size_t i = 0; i < n; i++) {
        real h = h_to_coefficient[i], own = fold[i] == left_out ? 0 : w[i];
        d_logit[i] = own * (n_members * g[i] - h);
        h_to_coefficient[i] = own * h;
    }
}

void committee_objective(size_t n_members, size_t n_experts, size_t stride, const real *w,
                         const uint8_t *fold, const real *log_g, const real *g, const real *loglik,
                         real *coefficient, real *d_logit, double *log_sum)
{
    size_t own = n_experts / n_members, n_folds = committee_folds(n_members);
    for (size_t m = 0; m < n_members; m++) {
        size_t at = m * own * stride;
        softmax_posterior(own, stride, log_g + at, loglik + at, coefficient + at, log_sum);
    }
    for (size_t e = 0; e < n_experts; e++) {
        size_t at = e * stride;
        weigh_member(stride, e / own % n_folds, (real)n_members, w, fold, g + at, coefficient + at,
                     d_logit + at);
    }
    softmax_posterior(n_experts, stride, log_g, loglik, NULL, log_sum);
}
