/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_BENCH_RATES_H
#define COTERIE_APP_BENCH_RATES_H

#include "base/status.h"
#include "comm/communicator.h"
#include "cost_model.h"
#include "train/step/optimizer.h"

/*
 * Local. How many experts stand for all of a rank's: more than its own cache keeps from the forward
 * to the backward pass of a micro-batch of n samples.
 */
size_t rates_n_experts(const struct model_config *config, size_t n);

/* What is timed, and for about how many seconds. */
struct rates_subject {
    const struct model_config *config;
    enum optimizer_kind optimizer;
    double seconds;
};

/*
 * Collective. Times the parts of a step one by one, on all ranks at once, for micro-batches of 64
 * to 2048 samples (and `also` of them), and keeps the median of the slowest rank. For a large model
 * the largest micro-batches are left out.
 */
status rates_measure(const struct communicator *comm, const struct rates_subject *subject,
                     size_t batch, size_t also, struct cost_rates *rates);

/* Collective. The same for micro-batches of n samples only. */
status rates_measure_at(const struct communicator *comm, const struct rates_subject *subject,
                        size_t n, struct cost_rates *rates);

/*
 * Collective. Messages of the sizes of an exchange between rank 0 and its nearest neighbour on the
 * same host, and on another; a link with no rank to measure it with is left at 0.
 */
status network_measure(const struct communicator *comm, struct cost_rates *rates);

#endif
