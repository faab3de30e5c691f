/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_MIXTURE_QUANTILE_H
#define COTERIE_MODEL_MIXTURE_QUANTILE_H

#include "model/mixture/target_mixture.h"

#include <stdbool.h>

/* Quantiles of a mixture of continuous distributions. All functions are Local. */

/* Lower and upper tail in one: the smaller of the two keeps its digits. */
struct tails {
    double below, above, density;
};

struct continuous_component {
    bool of_logarithms; /* of targets above 0: t below is ln d */
    /* Adds g_e times the tails and the density of expert e at t. */
    void (*add)(const struct target_mixture *mixture, size_t e, double t, struct tails *sum);
    /* Where expert e is certainly below (and above) p. */
    void (*bracket)(const struct target_mixture *mixture, size_t e, double p, double *low,
                    double *high);
};

/* P(d <= t). */
double mixture_cdf(const struct continuous_component *component,
                   const struct target_mixture *mixture, double t);
/* The t with P(d <= t) = p, 0 < p < 1; NAN if an expert that counts is not finite. */
double mixture_quantile(const struct continuous_component *component,
                        const struct target_mixture *mixture, double p);

/* Phi, with full relative precision in the lower tail. */
double standard_normal_cdf(double z);

#endif
