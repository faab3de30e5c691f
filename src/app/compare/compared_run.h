/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_COMPARE_COMPARED_RUN_H
#define COTERIE_APP_COMPARE_COMPARED_RUN_H

#include "app/options/options.h"
#include "app/problem/problem.h"
#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "comm/communicator.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Errors on some samples; NAN where one has no meaning, or is not known. */
struct compared_errors {
    double nll, rmse, accuracy;
};

/* One of the runs that are compared. */
struct compared_run {
    const char *name; /* as it was given; not owned */
    char checkpoint[PATH_MAX];
    struct run_record record;
    struct problem problem;
    int64_t epoch;         /* of these parameters */
    bool has_held_out;     /* the run held samples out, or --data names some */
    char *rows;            /* which samples: equal if, and only if, they are; owned */
    char *rows_for_people; /* owned */
    size_t group;          /* the first run with the same rows */
    struct compared_errors held_out, trained; /* the latter of what it was trained on */
    bool has_learned_them;                    /* with --data: it was trained on these samples */
};

/*
 * Root. What the run directory or checkpoint `name` has recorded: its best model, or the latest,
 * with the errors of that epoch. STATUS_USAGE if there is none.
 */
status compared_run_read(const char *name, struct compared_run *run);

/* Collective. Its errors on the samples `data` instead of those that it held out. */
status compared_run_judge(const struct communicator *comm, const char *data,
                          struct compared_run *run);
/* Local. */
void compared_run_release(struct compared_run *run);

/* Local. Its structure for people, such as "5 x 4 experts (32 relu)". */
void compared_run_structure(const struct compared_run *run, char *text, size_t size);

#endif
