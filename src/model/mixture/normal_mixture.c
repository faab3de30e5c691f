/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/mixture/normal_mixture.h"

#include "model/mixture/mixture_quantile.h"

#include <math.h>

static void add(const struct target_mixture *mixture, size_t e, double t, struct tails *sum)
{
    const double one_by_root_2_pi = 0.3989422804014327;
    double sigma = sqrt(mixture->dispersion[e].variance);
    double z = (t - mixture->o[e]) / sigma, g = mixture->g[e];
    sum->below += g * standard_normal_cdf(z);
    sum->above += g * standard_normal_cdf(-z);
    sum->density += g * one_by_root_2_pi * exp(-0.5 * z * z) / sigma;
}

/* Phi(-39) is 0 in double. */
static void bracket(const struct target_mixture *mixture, size_t e, double p, double *low,
                    double *high)
{
    const double far = 39;
    double sigma = sqrt(mixture->dispersion[e].variance);
    (void)p;
    *low = mixture->o[e] - far * sigma;
    *high = mixture->o[e] + far * sigma;
}

static const struct continuous_component component = {add, bracket};

double normal_mixture_cdf(const struct target_mixture *mixture, double t)
{
    return mixture_tails(&component, mixture, t).below;
}

double normal_mixture_quantile(const struct target_mixture *mixture, double p)
{
    return mixture_quantile(&component, mixture, p);
}
