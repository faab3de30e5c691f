/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EVALUATION_H
#define COTERIE_APP_EVALUATION_H

#include "app/judge/class_recall.h"
#include "app/judge/dealt_predictions.h"
#include "app/judge/exact_targets.h"
#include "app/judge/expert_outputs.h"
#include "app/judge/expert_use.h"
#include "app/judge/loaded_model.h"
#include "app/judge/trust.h"
#include "app/problem/baseline.h"
#include "base/status.h"
#include "comm/communicator.h"
#include "train/step/metrics.h"

/* How good a model is on samples with known targets: what `evaluate` prints and `report` shows. */
struct evaluation {
    struct metrics_config config;
    struct metrics all;
    struct metrics *groups; /* (n_groups) */
    size_t n_groups;
    const int32_t *group; /* of the samples of the source, or NULL */
    const int32_t *label; /* likewise */
    const uint64_t *rows; /* which of them */
    struct baseline baseline;
    struct class_recall recall;
    struct expert_use use;
    struct trust trust;
    bool has_numbers;               /* the targets are numbers; then: */
    struct expert_outputs outputs;  /* which trust needs */
    struct exact_targets targets;   /* with config.has_rmse */
    struct dealt_predictions exact; /* what `predict` writes */
    status outcome;                 /* of reading them */
};

/*
 * Collective. Measures all samples of `loaded`, which must be spread. On the root everything is set
 * then; elsewhere what is needed to release it. Failures: memory, or targets that cannot be read.
 */
status evaluation_measure(struct evaluation *evaluation, const struct communicator *comm,
                          struct loaded_model *loaded);
/* Local. Also after a failure. */
void evaluation_release(struct evaluation *evaluation);

/* Root. The groups that have samples, those with the largest mean error first; free *order (n). */
status evaluation_order_groups(const struct evaluation *evaluation, const struct metrics ***order,
                               size_t *n);

/* Root. The means of `metrics`, one of this evaluation's. */
void evaluation_summarise(const struct evaluation *evaluation, const struct metrics *metrics,
                          struct metrics_record *record);

#endif
