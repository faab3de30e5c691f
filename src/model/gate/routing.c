/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/routing.h"

#include <math.h>
#include <stdbool.h>

/* Fewer than k experts come before e. */
static bool is_chosen(size_t n_experts, size_t k, size_t stride, const real *p, size_t e)
{
    size_t before = 0;
    real own = p[e * stride];
    for (size_t other = 0; other < n_experts && before < k; other++) {
        real theirs = p[other * stride];
        before += theirs > own || (theirs == own && other < e);
    }
    return before < k;
}

/* One sample: the chosen share among them what all had. A NaN spreads to every row. */
static void choose_for_sample(size_t n_experts, size_t k, size_t stride, real *p, real *log_p,
                              bool *chosen)
{
    double sum = 0;
    for (size_t e = 0; e < n_experts; e++) {
        chosen[e] = is_chosen(n_experts, k, stride, p, e);
        sum += chosen[e] ? (double)p[e * stride] : 0;
    }
    double log_of_sum = sum > 0 ? log(sum) : (double)NAN;
    for (size_t e = 0; e < n_experts; e++) {
        real *g = p + e * stride, *log_g = log_p + e * stride;
        double share = (double)*g / sum;
        bool is_in = chosen[e] && !((real)share == 0);
        *log_g = is_in ? (real)((double)*log_g - log_of_sum) : ROUTING_NOT_CHOSEN;
        *g = is_in ? (real)share : (real)0;
    }
}

void routing_choose(size_t n_experts, size_t k, size_t stride, real *p_to_g, real *log_p_to_log_g)
{
    bool chosen[n_experts];
    for (size_t i = 0; i < stride; i++)
        choose_for_sample(n_experts, k, stride, p_to_g + i, log_p_to_log_g + i, chosen);
}

double routing_total(size_t stride, const real *w)
{
    double total = 0;
    for (size_t i = 0; i < stride; i++)
        total += (double)w[i];
    return total;
}

void routing_load(size_t n_experts, size_t k, size_t stride, const real *w, const real *g,
                  double *load)
{
    double total = routing_total(stride, w);
    for (size_t e = 0; e < n_experts; e++) {
        double sum = 0;
        for (size_t i = 0; i < stride; i++)
            sum += g[e * stride + i] > 0 ? (double)w[i] : 0;
        load[e] = total > 0 ? sum / ((double)k * total) : 0;
    }
}

/* sum_e load_e p_e of one sample */
static double mean_load(size_t n_experts, size_t stride, const real *p, const double *load)
{
    double sum = 0;
    for (size_t e = 0; e < n_experts; e++)
        sum += load[e] * (double)p[e * stride];
    return sum;
}

void routing_balance_gradient(size_t n_experts, size_t stride, double weight, const real *w,
                              const real *p, const double *load, real *d_logit)
{
    for (size_t i = 0; i < stride; i++) {
        double mean = mean_load(n_experts, stride, p + i, load);
        double scale = weight * (double)n_experts * (double)w[i];
        for (size_t e = 0; e < n_experts; e++) {
            size_t at = e * stride + i;
            d_logit[at] += (real)(scale * (double)p[at] * (load[e] - mean));
        }
    }
}
