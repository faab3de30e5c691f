/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/mixture/mixture_quantile.h"

#include <float.h>
#include <math.h>

double standard_normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

static struct tails mixture_tails(const struct continuous_component *component,
                                  const struct target_mixture *mixture, double t)
{
    struct tails tails = {0, 0, 0};
    double total = 0;
    for (size_t e = 0; e < mixture->n_experts; e++) {
        total += mixture->g[e];
        component->add(mixture, e, t, &tails);
    }
    return (struct tails){tails.below / total, tails.above / total, tails.density / total};
}

double mixture_cdf(const struct continuous_component *component,
                   const struct target_mixture *mixture, double t)
{
    if (!component->of_logarithms)
        return mixture_tails(component, mixture, t).below;
    return t > 0 ? mixture_tails(component, mixture, log(t)).below : 0;
}

/* Where every component is certainly below p (or above). */
static void bracket(const struct continuous_component *component,
                    const struct target_mixture *mixture, double p, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t e = 0; e < mixture->n_experts; e++) {
        double least, most;
        if (!(mixture->g[e] > 0))
            continue;
        component->bracket(mixture, e, p, &least, &most);
        *low = fmin(*low, least);
        *high = fmax(*high, most);
    }
}

/* Newton's method; bisection where that would leave the bracket, or has hardly come nearer. */
static double find_quantile(const struct continuous_component *component,
                            const struct target_mixture *mixture, double p)
{
    double low, high;
    bracket(component, mixture, p, &low, &high);
    if (!isfinite(low) || !isfinite(high))
        return NAN;
    double t = 0.5 * (low + high), last_miss = INFINITY;
    double exact = 4 * DBL_EPSILON * fmax(fabs(low), fabs(high));
    while (high - low > exact) {
        struct tails tails = mixture_tails(component, mixture, t);
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

double mixture_quantile(const struct continuous_component *component,
                        const struct target_mixture *mixture, double p)
{
    double t = find_quantile(component, mixture, p);
    return component->of_logarithms ? exp(t) : t;
}
