/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_PROGRESS_H
#define COTERIE_TRAIN_PROGRESS_H

#include "base/status.h"
#include "checkpoint/record.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of the parameters that a start had: after which epoch, and how good they were. */
struct milestone {
    int64_t epoch; /* -1: none */
    int64_t step;  /* updates made by then */
    double error;  /* of validation; INFINITY: none */
};
#define MILESTONE_NONE ((struct milestone){-1, 0, INFINITY})

/* Where a run stands, besides parameters and optimiser: all that a restart needs to go on. */
struct progress {
    int64_t epoch;           /* finished epochs */
    int64_t step;            /* updates made in this start */
    int64_t total_steps;     /* updates made in all starts: the number of a checkpoint */
    int64_t batch;           /* updates made in the current epoch */
    int64_t recorded;        /* the last epoch in the history, -1 before the first */
    int64_t start;           /* which of --starts is running, from 0 */
    int64_t best_start;      /* -1: none has finished */
    double best_start_error; /* of that start */
    bool starts_finished;    /* the best start was chosen; only it goes on */
    uint64_t seed;           /* --seed */
    double learning_rate_factor;
    int64_t stale_epochs;      /* since the validation error was last lowest */
    struct milestone due_best; /* lowest validation error in the epochs of --metrics-every */
    struct milestone last;     /* the last row, if only the end of the run made it be written */
    double error_before;       /* EM: the error before the last update, INFINITY at first */
    double seconds;            /* of training, over all restarts */
    double running[METRICS_N_SUMS]; /* sums of the epoch under way (mini-batches) */
};

/*
 * The lowest validation error of the present start, after at least one epoch: the model of
 * checkpoints/best. The epoch at which a run happens to end counts although --metrics-every passes
 * it over; a run that goes on forgets it.
 */
struct milestone progress_best(const struct progress *progress);

/* The records of a run in memory, on rank 0. */
struct history {
    size_t n;
    struct metrics_record *record; /* (n), owned */
};

status history_add(struct history *history, const struct metrics_record *record);
void history_release(struct history *history);

/* The history by columns, as checkpoints hold it: name of a column, a record's value in it. */
enum { HISTORY_N_COLUMNS = RECORD_N_VALUES + 3 };
const char *history_column_name(int column);
int history_column(const char *name); /* -1: there is none of that name */
double history_get(const struct metrics_record *record, int column);
void history_set(struct metrics_record *record, int column, double value);

#endif
