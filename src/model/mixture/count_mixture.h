/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_COUNT_MIXTURE_H
#define COTERIE_MODEL_COUNT_MIXTURE_H

#include "model/mixture/target_mixture.h"

/* Mixtures of distributions of counts. All functions are Local. */

/* Of one expert with the mean o: P(d <= t) for a whole t, and its variance. */
struct count_component {
    double (*cdf)(struct dispersion dispersion, double o, double t);
    struct variance_terms (*variance_terms)(struct dispersion dispersion);
};

double poisson_cdf(double mean, double t);

double count_mixture_cdf(const struct count_component *component,
                         const struct target_mixture *mixture, double t);
/* The least whole t with P(d <= t) >= p; NAN if an expert is not finite. */
double count_mixture_quantile(const struct count_component *component,
                              const struct target_mixture *mixture, double p);

#endif
