#ifndef COTERIE_APP_BENCH_INTERNAL_H
#define COTERIE_APP_BENCH_INTERNAL_H

#include "coterie/app/options.h"
#include "coterie/app/profile_table.h"
#include "coterie/base/profile.h"
#include "coterie/comm/communicator.h"
#include "coterie/train/early_update.h"
#include "coterie/train/optimizer.h"
#include "coterie/train/step.h"

/* Shared by bench*.c. */

/* One model and its made-up samples, trained for the clock only. */
struct bench {
    const struct communicator *comm;
    size_t n_samples, n_inputs, n_hidden, n_outputs, n_experts; /* of --shape */
    size_t micro_batch;
    struct model model;
    struct step step;
    struct optimizer gate, experts;
    struct early_update early;
    struct dataset dataset; /* BATCHES batches, one after the other */
    real *block;
    double *seconds; /* (steps) of this rank */
    size_t n_steps;
    struct profile_table phases; /* over n_profiled steps */
    size_t n_profiled;
};

/* Local. */
struct model_config bench_model(const struct bench *bench, const struct options *options);

/* Collective. n_samples to n_experts must be set; afterwards bench_release in any case. */
status bench_init(struct bench *bench, const struct options *options);
void bench_release(struct bench *bench);

/* Collective. Each rank's times of n steps. */
void bench_time_steps(struct bench *bench, size_t n);

/* Local. */
double bench_median(double *values, size_t n);

/* Collective. `bench --plan`: for the shape in `bench`, of which nothing is initialised. */
status bench_plan(struct bench *bench, const struct options *options);

#endif
