/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_NORMAL_MIXTURE_H
#define COTERIE_MODEL_NORMAL_MIXTURE_H

#include "model/mixture/mixture_quantile.h"

/*
 * A mixture of normal distributions with means o: P(d <= t) = sum_e g_e Phi((t - o_e) / sigma_e),
 * divided by sum_e g_e. Between two components that lie far apart the distribution is flat, and a
 * quantile there is only known to lie between them. Everything here is Local.
 */
extern const struct continuous_component normal_component;

/* For families that are normal after a change of the target: expert e with this mean at t. */
void normal_add(const struct target_mixture *mixture, size_t e, double mean, double t,
                struct tails *sum);
void normal_bracket(const struct target_mixture *mixture, size_t e, double mean, double *low,
                    double *high);

#endif
