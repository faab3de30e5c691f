/* SPDX-License-Identifier: BSD-3-Clause */
#include "reshape_gaussian.h"

#include "model/gate/gaussian_gate.h"

#include <string.h>

/* Where one expert's part of the gate is. */
struct component {
    size_t alpha, mean, covariance;
};

static struct component component_of(const struct gaussian_gate_layout *layout, size_t n_inputs,
                                     size_t e)
{
    return (struct component){layout->alpha_at + e, layout->mean_at + e * n_inputs,
                              layout->covariance_at + e * n_inputs * n_inputs};
}

static void copy(size_t n_inputs, const real *from, struct component a, double share, real *to,
                 struct component own)
{
    to[own.alpha] = (real)(share * (double)from[a.alpha]);
    memcpy(to + own.mean, from + a.mean, n_inputs * sizeof(real));
    memcpy(to + own.covariance, from + a.covariance, n_inputs * n_inputs * sizeof(real));
}

/*
 * The moments of both: m = u m_a + (1 - u) m_b and S = u S_a + (1 - u) S_b + u (1 - u) v v^T with v
 * = m_a - m_b.
 */
static void merge(size_t n_inputs, const real *from, struct component a, struct component b,
                  double share, real *to, struct component own)
{
    double both = (double)from[a.alpha] + (double)from[b.alpha];
    double u = both > 0 ? (double)from[a.alpha] / both : 0.5;
    to[own.alpha] = (real)(share * both);
    for (size_t i = 0; i < n_inputs; i++) {
        double v_i = (double)from[a.mean + i] - (double)from[b.mean + i];
        to[own.mean + i] = (real)((double)from[b.mean + i] + u * v_i);
        for (size_t j = 0; j < n_inputs; j++) {
            size_t at = i * n_inputs + j;
            double v_j = (double)from[a.mean + j] - (double)from[b.mean + j];
            double of_a = (double)from[a.covariance + at], of_b = (double)from[b.covariance + at];
            to[own.covariance + at] = (real)(of_b + u * (of_a - of_b) + u * (1 - u) * v_i * v_j);
        }
    }
}

/* So that the alphas of those that remain sum to what all did. */
static double share_of_remaining(const struct reshape *reshape, const real *alpha)
{
    double all = 0, pruned = 0;
    for (size_t e = 0; e < reshape->n_before; e++) {
        all += (double)alpha[e];
        pruned += reshape->expert[e].action == RESHAPE_PRUNE ? (double)alpha[e] : 0;
    }
    return pruned > 0 && pruned < all ? all / (all - pruned) : 1;
}

void reshape_gaussian_gate(const struct reshape *reshape, size_t n_inputs, const real *from,
                           real *to)
{
    struct gaussian_gate_layout before = gaussian_gate_layout(reshape->n_before, n_inputs);
    struct gaussian_gate_layout after = gaussian_gate_layout(reshape->n_after, n_inputs);
    double share = share_of_remaining(reshape, from + before.alpha_at);
    for (size_t e = 0; e < reshape->n_before; e++) {
        const struct reshape_expert *expert = &reshape->expert[e];
        struct component a = component_of(&before, n_inputs, e);
        struct component own = component_of(&after, n_inputs, reshape_place(reshape, e));
        if (expert->action == RESHAPE_SPLIT) {
            copy(n_inputs, from, a, share / 2, to, own);
            copy(n_inputs, from, a, share / 2, to,
                 component_of(&after, n_inputs, reshape_twin(reshape, e)));
        } else if (expert->action == RESHAPE_MERGE) {
            merge(n_inputs, from, a, component_of(&before, n_inputs, expert->other), share, to,
                  own);
        } else if (expert->action == RESHAPE_KEEP) {
            copy(n_inputs, from, a, share, to, own);
        }
    }
}
