/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/mixture/normal_mixture.h"

#include <math.h>

void normal_add(const struct target_mixture *mixture, size_t e, double mean, double t,
                struct tails *sum)
{
    const double one_by_root_2_pi = 0.3989422804014327;
    double sigma = sqrt(mixture->dispersion[e].variance);
    double z = (t - mean) / sigma, g = mixture->g[e];
    sum->below += g * standard_normal_cdf(z);
    sum->above += g * standard_normal_cdf(-z);
    sum->density += g * one_by_root_2_pi * exp(-0.5 * z * z) / sigma;
}

/* Phi(-39) is 0 in double. */
void normal_bracket(const struct target_mixture *mixture, size_t e, double mean, double *low,
                    double *high)
{
    const double far = 39;
    double sigma = sqrt(mixture->dispersion[e].variance);
    *low = mean - far * sigma;
    *high = mean + far * sigma;
}

static void add(const struct target_mixture *mixture, size_t e, double t, struct tails *sum)
{
    normal_add(mixture, e, mixture->o[e], t, sum);
}

static void bracket(const struct target_mixture *mixture, size_t e, double p, double *low,
                    double *high)
{
    (void)p;
    normal_bracket(mixture, e, mixture->o[e], low, high);
}

const struct continuous_component normal_component = {false, add, bracket};
