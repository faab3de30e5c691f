/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_BENCH_INTERNAL_H
#define COTERIE_APP_BENCH_INTERNAL_H

#include "app/options/options.h"
#include "app/train/profile_table.h"
#include "base/profile.h"
#include "comm/communicator.h"
#include "train/step/early_update.h"
#include "train/step/optimizer.h"
#include "train/step/replicas.h"
#include "train/step/step.h"

/* Shared by bench*.c. */

enum { BENCH_MAX_STEPS = 20001 };

/* What tells steps that are merely fast from steps that train; and how --top-k loads the ranks. */
struct bench_view {
    double error;   /* mean over a batch */
    double busiest; /* samples times experts that a rank computes, most over mean in a replica */
};

/* One model and its made-up samples, trained for the clock only. */
struct bench {
    const struct communicator *comm;
    size_t n_samples, n_inputs, n_hidden, n_outputs, n_experts; /* of --shape */
    size_t micro_batch;
    struct replicas replicas;
    struct model model;
    struct step step;
    struct optimizer gate, experts;
    struct early_update early;
    struct dataset dataset; /* some batches, one after the other */
    real *block;
    double *seconds; /* (steps) of this rank */
    size_t n_steps;
    struct bench_view early_view, last_view; /* root: after few steps, after all */
    struct profile_table phases;             /* over n_profiled steps */
    size_t n_profiled;
};

/* Local. */
struct model_config bench_model(const struct bench *bench, const struct options *options);

/* Collective. n_samples to n_experts must be set; afterwards bench_release in any case. */
status bench_init(struct bench *bench, const struct options *options);
void bench_release(struct bench *bench);

/* Collective. Each rank's times of n steps, at most BENCH_MAX_STEPS. */
void bench_time_steps(struct bench *bench, size_t n);

/* Collective. Phases in steps of their own: reading the clock costs tiny models a tenth. */
status bench_profile_steps(struct bench *bench, size_t n);

/* Collective. One batch with the parameters of this moment; *view is set on rank 0. */
status bench_look(struct bench *bench, struct bench_view *view);

/* Collective. `bench --plan`: for the shape in `bench`, of which nothing is initialised. */
status bench_plan(struct bench *bench, const struct options *options);

#endif
