/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_CHECKPOINT_SNAPSHOT_H
#define COTERIE_CHECKPOINT_SNAPSHOT_H

#include "base/real.h"
#include "base/status.h"
#include "checkpoint/known_samples.h"
#include "checkpoint/progress.h"
#include "model/model_config.h"
#include "model/optimizer_kind.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy of the whole training state on rank 0, which a checkpoint is written from while training
 * goes on, and into which one is read. On other ranks the arrays are NULL.
 */

/* The parameters of a gate and all E experts. */
struct networks {
    real *gate;                    /* (gate stride) */
    real *experts;                 /* (E, expert stride) */
    struct dispersion *dispersion; /* (E) */
};

/* Some inputs and what the model of a checkpoint says of them: see predict/self_check.h. */
struct self_check {
    size_t n, n_inputs, n_outputs; /* n = 0: there are none */
    double *x;                     /* (n, D) in the units of the data */
    double *y;                     /* (n, O) of the scaled targets, or probabilities */
    double *log_density;           /* (n) */
};

struct snapshot {
    struct model_shape shape;
    enum optimizer_kind optimizer;
    int n_slots;
    struct networks current, best;
    bool has_best;
    struct networks
        slot[OPTIMIZER_MAX_SLOTS]; /* dispersion holds the slot's part for the logarithms */
    struct progress progress;
    size_t n_sums; /* on-line EM: doubles of an expert's running sums, else 0 */
    double *sums;  /* (E, n_sums) */
    double *use;   /* (E) running sums of the mixing proportions */
    struct history history;
    struct self_check check;        /* of `current` */
    struct conformal_scores scores; /* likewise */
};

/* Local. Everything is zero. */
status self_check_init(struct self_check *check, size_t n, size_t n_inputs, size_t n_outputs);
void self_check_release(struct self_check *check);

/*
 * Root. STATUS_USAGE if these networks, read from `path`, have weights of inputs that the model
 * does not see.
 */
status networks_check_inputs(const struct networks *networks, const struct model_shape *shape,
                             const char *path);

/* Local. What it is of, without any numbers. */
void snapshot_describe(struct snapshot *snapshot, const struct model_shape *shape,
                       enum optimizer_kind optimizer, bool has_best);
/* Root. Everything is zero. */
status snapshot_init_at_root(struct snapshot *snapshot, const struct model_shape *shape,
                             enum optimizer_kind optimizer, bool has_best);
/* Root. Room for the running sums of on-line EM; for a width of 0 nothing. */
status snapshot_add_sums_at_root(struct snapshot *snapshot, size_t width);
/* Root. */
void snapshot_release(struct snapshot *snapshot);

#endif
