/* SPDX-License-Identifier: BSD-3-Clause */
/* On-line EM: running sums instead of those of all samples. */
#include "em_state.h"

#include <math.h>

/* Samples per expert and unit before the first M-step, and of an expert that takes part in one. */
static const double samples_to_begin = 10, samples_to_move = 2;

bool em_is_online(const struct em_config *config, size_t n)
{
    return config->batch_size > 0 && config->batch_size < n;
}

/* r of batch number t: the first one is all there is. */
static double step_size(const struct em *em, uint64_t t)
{
    return pow((double)t + 1, -em->config.forgetting);
}

void em_online_begin(struct em *em, uint64_t n_updates)
{
    double r = step_size(em, n_updates), units = (double)em->fit.n_units;
    em->n_updates = n_updates;
    /* batch_size / r samples count: sums are means of samples, a share that of these. */
    em->fit.least_share = samples_to_move * units * r / (double)em->config.batch_size;
    least_squares_begin(&em->fit, 1 - r, r);
}

bool em_online_is_ready(const struct em *em)
{
    double seen = (double)(em->n_updates + 1) * (double)em->config.batch_size;
    return seen >= samples_to_begin * (double)em->model->config.n_experts * (double)em->fit.n_units;
}
