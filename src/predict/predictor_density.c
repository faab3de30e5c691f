/* SPDX-License-Identifier: BSD-3-Clause */
/* ln p(d | x) = ln sum_e g_e p_e(d), and the posterior h. */
#include "predictor_state.h"

#include <math.h>

static double log_likelihood(const struct predictor *predictor, const struct predicted *predicted,
                             size_t e, size_t i, const double *d)
{
    size_t outputs = predictor->n_outputs, stride = predicted->stride;
    size_t at = e * outputs * stride + i;
    const struct likelihood_sample sample = {outputs, stride, predictor->dispersion[e],
                                             predicted->z + at, predicted->o + at};
    return likelihood_family(predictor->shape.config.likelihood)->log_density(&sample, d);
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
