/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_NORMAL_MIXTURE_H
#define COTERIE_MODEL_NORMAL_MIXTURE_H

#include "model/mixture/target_mixture.h"

/* A mixture of normal distributions with means o. Everything here is Local. */

/* P(d <= t) = sum_e g_e Phi((t - o_e) / sigma_e), divided by sum_e g_e. */
double normal_mixture_cdf(const struct target_mixture *mixture, double t);

/*
 * The t with normal_mixture_cdf(t) = p, 0 < p < 1. Between two components that lie far apart the
 * distribution is flat and t is only known to lie there. NAN if a number is not finite.
 */
double normal_mixture_quantile(const struct target_mixture *mixture, double p);

#endif
