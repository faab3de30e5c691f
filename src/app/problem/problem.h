/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_PROBLEM_H
#define COTERIE_APP_PROBLEM_H

#include "app/options/options.h"
#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "data/samples/data_survey.h"
#include "data/source/source.h"
#include "train/step/metrics.h"
#include "train/step/model.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What is to be learned: task, likelihood and outputs chosen from the options and the data, as the
 * manual says under "Automatic choices". Plain values, so that rank 0 can broadcast them.
 */
struct problem {
    enum task task;  /* never TASK_AUTO */
    bool has_labels; /* targets are labels, else numbers */
    struct model_config model;
    bool has_accuracy, has_rmse, nll_from_mixture;
    double nll_offset;
    bool looks_like_classes; /* regression on few whole numbers that the user did not ask for */
    bool has_odd_class;      /* labels of which all but one are numbers, likewise */
};

/* Root. The column of an offset becomes one of the inputs that options name, if they name any. */
status problem_read_offset(struct options *options);

/* Root. Opens --data (or `path`) with the kind of targets that the options ask for. */
status problem_open_source(const struct options *options, const char *path, struct source **source);

/*
 * Root. Resolves everything `auto`; `targets` are of a survey of the source. STATUS_USAGE if
 * targets, task, likelihood and outputs do not go together.
 */
status problem_resolve(const struct options *options, const struct source_info *info,
                       const struct target_facts *targets, struct problem *problem);

/* Local. Of three or more classes the one that is no number if all others are; else NULL. */
const char *problem_odd_class(const struct string_list *classes);

/* Root. Target scaling goes with identity outputs only: others are bounded. */
bool problem_scales_targets(const struct problem *problem);

/*
 * Root. After scaling: the floor of a learned variance, and what nll adds. *target_variance: of the
 * samples `rows`, mean over columns, each divided by its scale^2; 1 without numeric targets.
 */
status problem_measure(struct problem *problem, struct source *source, const struct scaler *scaler,
                       const uint64_t *rows, size_t n_rows, double *target_variance);

/* Local. How the metrics read the model's outputs; y_scale (O) or NULL is not copied. */
struct metrics_config problem_metrics(const struct problem *problem, const double *y_scale);

/* Root. The problem of a checkpoint, from its record and the shapes in it. */
status problem_from_record(const struct run_record *record, struct problem *problem);

#endif
