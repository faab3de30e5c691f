/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_REPORT_REPORT_INTERNAL_H
#define COTERIE_APP_REPORT_REPORT_INTERNAL_H

#include "app/history/use_history.h"
#include "app/judge/evaluation.h"
#include "app/judge/loaded_model.h"
#include "app/options/options.h"
#include "base/status.h"
#include "base/string_list.h"
#include "checkpoint/progress.h"
#include "predict/predictor.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the figures need of each sample. All numbers are in the units of the data. */
struct report_samples {
    size_t n; /* of them, at most REPORT_SAMPLES, at equal distances among all */
    size_t n_inputs, n_outputs;
    double *x;      /* (n, D) */
    double *d, *y;  /* (n, O) targets, where they are numbers; predictions or probabilities */
    double *u;      /* (n, O) P(target <= d), uniform if that is right; NULL: not Gaussian */
    int32_t *label; /* (n), where there are labels, else -1 */
};
enum { REPORT_SAMPLES = 20000, REPORT_DOTS = 400 };

/* All that is known about a run. */
struct report {
    const char *run; /* its directory, as given */
    FILE *page;
    struct history history; /* of what can be drawn */
    bool history_is_whole;
    struct use_history use;      /* of each expert over the epochs */
    char checkpoint[PATH_MAX];   /* the best one, else the latest */
    struct predictor *predictor; /* of it; NULL: there is none */
    struct progress progress;    /* likewise */
    char *version, *created, *precision;
    bool has_samples; /* then these three: */
    struct loaded_model loaded;
    struct evaluation evaluation;
    struct report_samples samples;
    char samples_are[PATH_MAX + 100];
    struct string_list missing; /* sentences: what could not be shown, and why */
};

/*
 * Root. Gathers what the run directory and, if they are found, the samples tell; `comm` is a
 * communicator of one rank. What is missing is noted in `missing`; a failure is lack of memory, or
 * that `run` is no run directory.
 */
status report_gather(const struct communicator *comm, const struct options *options,
                     struct report *report);
void report_release(const struct communicator *comm, struct report *report);

/* Root. The samples' predictions, after has_samples is set. */
status report_samples_read(struct report *report);
void report_samples_release(struct report_samples *samples);

/*
 * The sections, each of which writes nothing where there is nothing to be told. Their order and
 * headings are a table in report.c.
 */
status section_learning(struct report *report);
status section_quality(struct report *report);
status section_experts(struct report *report);
status section_response(struct report *report);
status section_classes(struct report *report);
status section_calibration(struct report *report);
status section_residuals(struct report *report);
status section_coefficients(struct report *report);
status section_configuration(struct report *report);
status section_environment(struct report *report);
status section_citation(struct report *report);

/* Whether there is anything for a section to tell. */
bool report_has_history(const struct report *report);
bool report_has_experts(const struct report *report);
bool report_has_samples(const struct report *report);
bool report_has_model(const struct report *report);
bool report_has_classes(const struct report *report);
bool report_has_calibration(const struct report *report);
bool report_has_residuals(const struct report *report);
bool report_has_coefficients(const struct report *report);

/* The column of the history as an array of doubles of the caller, history.n long: RECORD_N_VALUES
 * is the epoch, as in history_get. */
void report_column(const struct report *report, int column, double *values);

#endif
