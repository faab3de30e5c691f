/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_PREDICTOR_STATE_H
#define COTERIE_PREDICT_PREDICTOR_STATE_H

#include "data/source/gap_inputs.h"
#include "pass.h"
#include "predict/predictor.h"

struct work;

/* A gate whose logits are no outputs of a network. */
struct predictor_gate {
    /* What follows from its parameters. */
    status (*prepare)(struct predictor *predictor, const real *gate);
    /* z (E, width) */
    void (*logits)(const struct predictor *predictor, const struct work *work, double *z);
    /* dz/dx (E, D) of a single sample */
    void (*slopes)(const struct predictor *predictor, const struct work *work, double *slope);
};

extern const struct predictor_gate predictor_gaussian;

/* What the files of a predictor share. */
struct predictor {
    struct run_record record;
    bool is_classifier; /* as the record says */
    struct model_shape shape;
    const struct pass *pass;
    size_t n_experts, n_outputs, n_inputs; /* E, O, D */
    struct gap_inputs gaps;                /* among the inputs */
    size_t *told_by; /* (gaps.n_own) which of them tells of an input; gaps.n: none; owned */
    const struct predictor_gate *own_gate; /* NULL: a network */
    struct pass_network gate;              /* if it is a network */
    struct pass_network *experts;          /* (E) */
    void *weights;                         /* of all networks, owned */
    struct dispersion *dispersion;         /* (E) */
    double *constant;                      /* (E) Gaussian gate: ln alpha - 1/2 ln |S| */
    double *mean, *whitener;               /* (E, D), (E, D, D) of a Gaussian gate; else NULL */
    struct conformal_scores scores;        /* n = 0: it has none */
};

/* The arrays of one call, laid out in the caller's work space. */
struct work {
    double *scaled;         /* (D, width) */
    void *x, *layers;       /* in the precision of the pass */
    double *branch_z;       /* (branches, width) of a tree: z, then log p */
    double *branch_p;       /* (branches, width) */
    struct predicted block; /* (.., width) */
};

/* Bytes that it takes for n samples at once; with `base`, fills the pointers too. */
size_t work_map(const struct predictor *predictor, size_t n, void *base, struct work *work);

/*
 * x (n, D) with this scaling (NULL: none), rounded to the precision of the pass, for tiles or a
 * single sample.
 */
void work_load(const struct predictor *predictor, const struct scaler *scaler, size_t n,
               const double *x, struct work *work);

/* The first part of it: the samples, and g; `work` is laid out in `space`. */
void predictor_begin(const struct predictor *predictor, const struct scaler *scaler, size_t n,
                     const double *x, void *space, struct work *work);
/* With --top-k: the outputs of expert e for samples that have not chosen it are 0; whether any has.
 */
bool predictor_clear_unchosen(const struct predictor *predictor, const struct predicted *block,
                              size_t e);
/* Experts computed together for one sample, from e on. */
size_t predictor_group(const struct predictor *predictor, size_t e);
/* o of expert e from z. */
void predictor_apply_output(const struct predictor *predictor, const struct predicted *block,
                            size_t e);
/* y = sum_e g_e o_e */
void predictor_combine(const struct predictor *predictor, const struct predicted *block);

/* As predictor_compute, with another scaling than that of the record; NULL: none. */
void predictor_compute_with(const struct predictor *predictor, const struct scaler *scaler,
                            size_t n, const double *x, void *space, struct predicted *out);

/*
 * What the predictor says of check->x, scaled by `scaler`: means or probabilities y (n, O), and the
 * log density (n) of targets that the likelihood can have: 1 in one place, else 0 or, where that is
 * no target, 1.
 */
status self_check_answer(const struct predictor *predictor, const struct scaler *scaler,
                         const struct self_check *check, double *y, double *log_density);

#endif
