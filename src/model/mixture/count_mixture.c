/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/mixture/count_mixture.h"

#include <math.h>

/* P(d <= t), t a whole number: terms from t downwards, or one less those above it. */
double poisson_cdf(double mean, double t)
{
    const double normal_from = 1e8, negligible = 1e-17;
    if (t < 0)
        return 0;
    if (!(mean > 0))
        return isnan(mean) ? (double)NAN : 1;
    if (mean > normal_from)
        return 0.5 * erfc(-(t + 0.5 - mean) / sqrt(mean) * M_SQRT1_2);
    double term = 1, sum = 0, first = t < mean ? t : t + 1;
    for (double k = first; term > negligible * sum; k += t < mean ? -1 : 1) {
        sum += term;
        term *= t < mean ? k / mean : mean / (k + 1);
    }
    double part = sum * exp(first * log(mean) - mean - lgamma(first + 1));
    return t < mean ? part : 1 - part;
}

double count_mixture_cdf(const struct count_component *component,
                         const struct target_mixture *mixture, double t)
{
    double sum = 0, total = 0;
    for (size_t e = 0; e < mixture->n_experts; e++) {
        double g = mixture->g[e];
        total += g;
        sum += g != 0 ? g * component->cdf(mixture->dispersion[e], mixture->o[e], floor(t)) : 0;
    }
    return sum / total;
}

/* By bisection. */
double count_mixture_quantile(const struct count_component *component,
                              const struct target_mixture *mixture, double p)
{
    const double far = 40, farthest = 0x1p1000;
    double low = -1, high = 0;
    for (size_t e = 0; e < mixture->n_experts; e++) {
        double o = mixture->g[e] > 0 ? mixture->o[e] : 0;
        if (!isfinite(o) || !isfinite(mixture->g[e]))
            return NAN;
        double spread = sqrt(variance_at(component->variance_terms(mixture->dispersion[e]), o));
        high = fmax(high, ceil(o + far * (spread + 1)));
    }
    while (high < farthest && count_mixture_cdf(component, mixture, high) < p)
        high *= 2;
    while (high - low > fmax(1, 0x1p-52 * high)) {
        double middle = floor(0.5 * (low + high));
        if (count_mixture_cdf(component, mixture, middle) >= p)
            high = middle;
        else
            low = middle;
    }
    return high;
}
