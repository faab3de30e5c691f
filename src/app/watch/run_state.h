/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_WATCH_RUN_STATE_H
#define COTERIE_APP_WATCH_RUN_STATE_H

#include "base/status.h"
#include "checkpoint/progress.h"
#include "train/loop/run_directory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* What a run directory says of its run at one moment. All functions are Local. */
struct run_state {
    const char *run; /* as given; not owned */
    enum run_presence presence;
    char holder[256];       /* host and process of rank 0, "": not known */
    char finished[64];      /* what is in the file of that name, "": it is not there */
    char begun[512];        /* the line of the log that the present process began with, or "" */
    int64_t epochs, starts; /* as asked for, 0: not known */
    int64_t start;          /* whose metrics these are, from 0 */
    struct history history; /* of what can be drawn */
    bool is_whole;          /* that are all lines */
    char latest[PATH_MAX], best[PATH_MAX]; /* names of checkpoints, "": none */
    double metrics_age, latest_age; /* seconds since they were written, NAN: there are none */
};

/*
 * Reads the run in the directory `run`, and of its metrics about `most` lines. A file that is not
 * there yet, or not readable now, leaves its part unknown; the outcome is that of memory only.
 */
status run_state_read(const char *run, size_t most, struct run_state *state);
void run_state_release(struct run_state *state);

/* A number that is another one when a file that matters has changed. */
uint64_t run_state_stamp(const char *run);

/* Whether a process may still add to it. */
bool run_state_goes_on(const struct run_state *state);

/* Seconds of training that are left at the pace of the last fifth of what is known; NAN: unknown.
 */
double run_state_seconds_left(const struct run_state *state);

#endif
