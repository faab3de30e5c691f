/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STEP_STEP_STATE_H
#define COTERIE_TRAIN_STEP_STEP_STATE_H

#include "comm/communicator.h"
#include "comm/exchange.h"
#include "model/chosen_rows.h"
#include "train/feed/batch.h"
#include "train/step/model.h"

#include <stdbool.h>

/* What a step works in. Its parts share this; step.h says what a step does. */

/* Samples rows[0 .. n-1], or first .. first+n-1; `total` as in batch_load. */
struct sample_run {
    const struct dataset *dataset; /* not owned */
    const uint64_t *rows;          /* not owned; may be NULL */
    size_t first, n;
    double total;
};

/*
 * The next micro-batch, computed as far as no other rank is needed before a rank waits for what
 * becomes of the present one: the same bits, less waiting, and a second set of buffers.
 */
struct step_ahead {
    bool is_on;
    bool has_next; /* samples, at, size: which one comes next */
    bool is_ready; /* it is computed */
    struct sample_run samples;
    size_t at, size;
    struct batch batch;
    struct mlp_plan experts_plan, gate_plan;
    real *buffer[9]; /* those of the model's experts and gate that a pass forward fills */
};

struct step {
    struct model *model;             /* not owned */
    const struct communicator *comm; /* not owned */
    struct exchange exchange;
    struct batch batch;
    struct step_ahead ahead;
    double beta;             /* root: of the annealed error (1.3) in training, 1: not annealed */
    real *y;                 /* (O, stride) combined output, on every rank */
    real *expected;          /* (stride) sum_e g_e q_e, on every rank */
    real *agreement;         /* (n_local, stride), for the cooperative error */
    real *coefficient;       /* root: (E, stride) weights of the experts' gradients */
    double *log_sum;         /* root: (stride) log sum_e g_e exp(l_e) */
    double *error;           /* root: (stride) the error function of each sample */
    const real *g;           /* (n_local, stride) of the last micro-batch */
    const real *loglik;      /* root: (E, stride) of the last micro-batch */
    const real *own_weights; /* (n_local, stride) coefficients of the last micro-batch */
    struct chosen_rows rows; /* --top-k: the rows of one expert */
    real *p;      /* root, --top-k with a balance term: (E, stride) softmax of all experts */
    double *load; /* root, with a balance term: (E) shares of the places, or use */
};

#endif
