/* SPDX-License-Identifier: BSD-3-Clause */
/* ln p(d | x) = ln sum_e g_e p_e(d), and the posterior h. */
#include "predictor_state.h"

#include <math.h>

static const double log_2_pi = 1.8378770664093454836;

/* -q / (2 s2) - O/2 ln(2 pi s2) */
static double gaussian(size_t outputs, size_t stride, double variance, const double *d,
                       const double *o)
{
    double square = 0;
    for (size_t k = 0; k < outputs; k++)
        square += (d[k] - o[k * stride]) * (d[k] - o[k * stride]);
    return -0.5 * square / variance - 0.5 * (double)outputs * (log_2_pi + log(variance));
}

/* sum_k d_k ln o_k, from z less its largest: ln o_k = z_k - ln sum exp z */
static double categorical(size_t outputs, size_t stride, const double *d, const double *z)
{
    double sum = 0, value = 0;
    for (size_t k = 0; k < outputs; k++)
        sum += exp(z[k * stride]);
    for (size_t k = 0; k < outputs; k++)
        value += d[k] != 0 ? d[k] * (z[k * stride] - log(sum)) : 0;
    return value;
}

/* sum_k d_k z_k - ln(1 + exp z_k) */
static double bernoulli(size_t outputs, size_t stride, const double *d, const double *z)
{
    double value = 0;
    for (size_t k = 0; k < outputs; k++) {
        double at = z[k * stride];
        value += d[k] * at - (at > 0 ? at : 0) - log1p(exp(-fabs(at)));
    }
    return value;
}

static double log_likelihood(const struct predictor *predictor, const struct predicted *predicted,
                             size_t e, size_t i, const double *d)
{
    size_t outputs = predictor->n_outputs, stride = predicted->stride;
    size_t at = e * outputs * stride + i;
    switch (predictor->shape.config.likelihood) {
    case LIKELIHOOD_GAUSSIAN:
        return gaussian(outputs, stride, predictor->variance[e], d, predicted->o + at);
    case LIKELIHOOD_BERNOULLI:
        return bernoulli(outputs, stride, d, predicted->z + at);
    case LIKELIHOOD_CATEGORICAL:
        return categorical(outputs, stride, d, predicted->z + at);
    }
    return NAN;
}

double predictor_log_density(const struct predictor *predictor, const struct predicted *predicted,
                             size_t i, const double *d, double *h)
{
    size_t experts = predictor->n_experts;
    double most = -INFINITY, sum = 0;
    for (size_t e = 0; e < experts; e++) {
        double log_g = predicted->log_g[e * predicted->stride + i];
        bool counts = log_g > -INFINITY || isnan(log_g);
        h[e] = counts ? log_g + log_likelihood(predictor, predicted, e, i, d) : -INFINITY;
        most = h[e] > most || isnan(h[e]) ? h[e] : most;
    }
    for (size_t e = 0; e < experts; e++) {
        h[e] = exp(h[e] - most);
        sum += h[e];
    }
    for (size_t e = 0; e < experts; e++)
        h[e] /= sum;
    return most + log(sum);
}
