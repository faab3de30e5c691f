/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_RUN_DIRECTORY_H
#define COTERIE_TRAIN_RUN_DIRECTORY_H

#include "base/status.h"
#include "base/string_list.h"
#include "checkpoint/progress.h"
#include "train/events/event_file.h"
#include "train/step/metrics.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A run directory: config.yaml, metrics.jsonl, experts.jsonl, checkpoints/step-000001200.h5,
 * checkpoints/latest and checkpoints/best, log.txt, starts/<k>.jsonl, events.out.tfevents.* and
 * starts/<k>/ with them, lock, stop, finished. All functions are Root.
 */
struct run_directory {
    char *path, *checkpoints; /* owned */
    int lock;                 /* descriptor, -1: none */
    FILE *metrics;
    FILE *use;       /* experts.jsonl */
    bool has_events; /* the metrics go to an event file, too: set by the caller after opening */
    struct event_file events;
    double last_flush;
    double looked; /* for the file `stop`: when last */
};

/* True if there is a run in `path`: a config.yaml, a metrics.jsonl or a checkpoint. */
bool run_directory_holds_run(const char *path);

/* STATUS_USAGE if there is none. */
status run_directory_check(const char *path);

/* Makes a folder and those above it that are missing. */
status run_directory_make_folder(const char *path);

/*
 * Makes the folders that are missing, takes the lock, and removes unfinished files of a run that
 * was killed. Another run in the same directory is waited for, 10 s; then STATUS_USAGE names its
 * host and process. A Slurm job that was requeued waits 5 minutes, and asks an earlier start of
 * itself to stop. Where the file system has no locks it says so and goes on.
 */
status run_directory_open(struct run_directory *directory, const char *path);
void run_directory_close(struct run_directory *directory);

/*
 * Whether a run holds the lock of the run directory `path` now; its note, which names host and
 * process, is then in `holder`, else "". Unknown where the file system has no locks.
 */
enum run_presence { RUN_IS_THERE, RUN_IS_GONE, RUN_MAY_BE_THERE };
enum run_presence run_directory_presence(const char *path, char *holder, size_t size);

/*
 * Leaves `name` in the folder `path`, which says that its work is done (with `text` in it), or
 * takes an earlier one away. mpirun 5 ends with 0 after a lost host, so that a batch script
 * believes this file only. One that cannot be written is a warning.
 */
void run_directory_mark_finished(const char *path, const char *name, const char *text);
void run_directory_unmark_finished(const char *path, const char *name);

/* True if a file `stop` in the directory asks the run to save and end. Looks every 2 s. */
bool run_directory_asks_to_stop(struct run_directory *directory);

/* The file names of the generations, newest first, without the folder. */
status run_directory_generations(const char *checkpoints, struct string_list *names);

/*
 * Removes all but the newest `keep` generations up to `latest`, and those beyond it; never what
 * `latest`, `best` or `rollback` point at.
 */
void run_directory_prune(const char *checkpoints, int keep);

/* The path of a generation. */
void run_directory_generation_path(const char *checkpoints, int64_t generation, char *path,
                                   size_t size);

/*
 * Lets `checkpoints`/`link` stand for `name`, replacing the old one at once; see base/pointer.h.
 * One thread at a time.
 */
status run_directory_link(const char *checkpoints, const char *link, const char *name);

/*
 * Opens the metrics of a start (metrics.jsonl, or starts/<start>.jsonl where several are tried).
 * They begin with what is in the history, whatever was there before.
 */
status run_directory_open_metrics(struct run_directory *directory, int64_t start, bool several,
                                  const struct history *history);

/* One line. It reaches the disk within a second, or at run_directory_flush. */
status run_directory_add_metrics(struct run_directory *directory,
                                 const struct metrics_record *record);
status run_directory_flush(struct run_directory *directory);

/*
 * The mean mixing proportions of all experts over the epochs: experts.jsonl, or
 * starts/<start>.experts. `open` keeps the lines of epochs up to `last` that are there. `add` is
 * asked for each row of metrics, of which there have been `row`, and keeps all of the first 128,
 * then 64 to 128 in each doubling. `keep` makes those of a start the run's.
 */
status run_directory_open_use(struct run_directory *directory, int64_t start, bool several,
                              int64_t last);
status run_directory_add_use(struct run_directory *directory, int64_t epoch, int64_t row,
                             const struct metrics *metrics);
status run_directory_flush_use(struct run_directory *directory);
void run_directory_keep_use(struct run_directory *directory, int64_t start);
void run_directory_close_use(struct run_directory *directory);

/* Closes the metrics, and removes those of the start: they become metrics.jsonl. */
void run_directory_forget_start(struct run_directory *directory, int64_t start);

/* Where the kept state of a start lies: starts/<start>.h5. */
void run_directory_start_path(const struct run_directory *directory, int64_t start, char *path,
                              size_t size);

/* Removes the kept states of all starts but `best`, once that is a checkpoint too. */
void run_directory_remove_lost_starts(const struct run_directory *directory, int64_t best);

#endif
