/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_TRAIN_TRAIN_H
#define COTERIE_APP_TRAIN_TRAIN_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Local, before MPI starts, for train and sweep: signals by which batch systems give notice (USR1,
 * USR2, XCPU) are remembered while ranks start, instead of ending the process.
 */
void train_catch_requests(void);

/* Root. What a training is about, before it begins. */
struct train_facts {
    size_t n, n_inputs, n_outputs; /* samples to learn from */
    size_t n_units;                /* that can be held out: samples, or groups */
    bool is_regression, begins_anew;
    const char *variance; /* the word for --variance that goes with its likelihood */
    double constant_rmse,
        constant_accuracy; /* of the best constant answer; NAN without a meaning */
};
status train_find_facts(const struct communicator *comm, const struct options *options,
                        struct train_facts *facts);

/* What a committee says of the samples that its members have left out, in its best epoch. */
struct train_trial {
    double nll, rmse, accuracy; /* NAN where they have no meaning */
    int64_t best_epoch, epochs;
};

/*
 * Collective. Trains by these options, --committee among them, and writes nothing. `trial` is the
 * root's. STATUS_STOPPED if it was asked to stop.
 */
status train_try(const struct communicator *comm, struct options *options,
                 struct train_trial *trial);

#endif
