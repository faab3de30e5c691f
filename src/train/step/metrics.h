/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_METRICS_H
#define COTERIE_TRAIN_METRICS_H

#include "base/status.h"
#include "checkpoint/record.h"
#include "train/step/step.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Running sums over samples, on rank 0, in double and in the order of the samples. All means are
 * weighted by the samples' weights. Everything here is Root.
 */

/* How `nll` and `accuracy` are to be read from the model's outputs. */
struct metrics_config {
    bool nll_from_mixture; /* -log sum_e g_e p_e(d); else from the combined probabilities y */
    double nll_offset;     /* what the density in the units of the data adds: constants, scales */
    bool has_accuracy;     /* the largest y is the largest d, or y > 1/2 as d > 1/2 for logistic */
    bool has_rmse;         /* numeric targets */
    const double *y_scale; /* (O), for rmse; NULL: 1 */
};

/* All members but `use` are plain doubles: `sums` counts them for saving and broadcasting. */
struct metrics {
    double weight;          /* sum of weights */
    double error;           /* of the error function, without constants */
    double nll;             /* -log p(d|x), constants included */
    double expected_square; /* sum_e g_e q_e */
    double correct;         /* outputs classified rightly */
    double squared;         /* |d - y|^2 per output, units of the data */
    double gate_entropy;    /* -sum_e g_e log g_e */
    size_t n_experts;
    double *use; /* (E) g_e, owned */
};

status metrics_init(struct metrics *metrics, size_t n_experts);
void metrics_release(struct metrics *metrics);
void metrics_clear(struct metrics *metrics);

/* Adds the micro-batch that step_forward has just computed, with targets. */
void metrics_add(struct metrics *metrics, const struct metrics_config *config,
                 const struct step *step);

/* Adds its sample i alone, without the gate's use and entropy: for metrics by group. */
void metrics_add_sample(struct metrics *metrics, const struct metrics_config *config,
                        const struct step *step, size_t i);

/* The sums as an array, for saving: METRICS_N_SUMS doubles in the order of the struct. */
void metrics_to_array(const struct metrics *metrics, double *sums);
void metrics_from_array(struct metrics *metrics, const double *sums);

/* The means of `metrics`, for training (is_valid false) or validation samples. */
void metrics_summarise(const struct metrics *metrics, const struct metrics_config *config,
                       bool is_valid, struct metrics_record *record);

#endif
