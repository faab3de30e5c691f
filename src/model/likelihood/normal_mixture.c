/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/likelihood/normal_mixture.h"

#include <float.h>
#include <math.h>

/* Phi, with full relative precision in the lower tail. */
static double standard_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

/* Lower and upper tail in one: the smaller of the two keeps its digits. */
struct tails {
    double below, above, density;
};

static struct tails tails_at(const struct target_mixture *mixture, double t)
{
    const double one_by_root_2_pi = 0.3989422804014327;
    struct tails tails = {0, 0, 0};
    double total = 0;
    for (size_t e = 0; e < mixture->n_experts; e++) {
        double sigma = sqrt(mixture->variance[e]);
        double z = (t - mixture->o[e]) / sigma, g = mixture->g[e];
        total += g;
        tails.below += g * standard_cdf(z);
        tails.above += g * standard_cdf(-z);
        tails.density += g * one_by_root_2_pi * exp(-0.5 * z * z) / sigma;
    }
    return (struct tails){tails.below / total, tails.above / total, tails.density / total};
}

double normal_mixture_cdf(const struct target_mixture *mixture, double t)
{
    return tails_at(mixture, t).below;
}

/* Where every component is certainly below p (or above). Phi(-39) is 0 in double. */
static void bracket(const struct target_mixture *mixture, double *low, double *high)
{
    const double far = 39;
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t e = 0; e < mixture->n_experts; e++) {
        if (!(mixture->g[e] > 0))
            continue;
        double sigma = sqrt(mixture->variance[e]);
        *low = fmin(*low, mixture->o[e] - far * sigma);
        *high = fmax(*high, mixture->o[e] + far * sigma);
    }
}

/* Newton's method; bisection where that would leave the bracket, or has hardly come nearer. */
double normal_mixture_quantile(const struct target_mixture *mixture, double p)
{
    double low, high;
    bracket(mixture, &low, &high);
    if (!isfinite(low) || !isfinite(high))
        return NAN;
    double t = 0.5 * (low + high), last_miss = INFINITY;
    double exact = 4 * DBL_EPSILON * fmax(fabs(low), fabs(high));
    while (high - low > exact) {
        struct tails tails = tails_at(mixture, t);
        double miss = p < 0.5 ? tails.below - p : (1 - p) - tails.above;
        double step = miss / tails.density;
        if (isnan(miss))
            return NAN;
        if (fabs(step) <= exact || miss == 0)
            return t;
        if (miss > 0)
            high = t;
        else
            low = t;
        t -= step;
        if (!(t > low && t < high && fabs(miss) <= 0.5 * last_miss))
            t = 0.5 * (low + high);
        last_miss = fabs(miss);
    }
    return t;
}
