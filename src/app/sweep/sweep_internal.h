/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SWEEP_INTERNAL_H
#define COTERIE_APP_SWEEP_INTERNAL_H

#include "app/options/options.h"
#include "app/train/selection.h"
#include "base/string_list.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A sweep: every combination of the grid's values is a setting, and every setting is trained with
 * each of the seeds. Run r is setting r / seeds with seed number r % seeds. The last option of the
 * grid changes fastest.
 */
struct sweep {
    const struct options *options; /* not owned */
    struct string_list names;      /* of the grid's options */
    struct string_list *values;    /* (names.n) */
    struct string_list folders;    /* (n_settings): names of run directories, without the seed */
    size_t n_settings, n_runs;
};

/*
 * Root. What was said, completed from the sweep that is in --output already. STATUS_USAGE if they
 * do not go together, or if there is nothing to try.
 */
status sweep_open(struct options *options);

/* Local. STATUS_USAGE if two settings would have the same folder. */
status sweep_init(struct sweep *sweep, const struct options *options);
void sweep_release(struct sweep *sweep);

/* Local. The value of option `axis` of the grid in a setting. */
const char *sweep_value(const struct sweep *sweep, size_t setting, size_t axis);

/* Local. "experts=8 learning-rate=0.1" */
void sweep_setting_text(const struct sweep *sweep, size_t setting, char *text, size_t size);

/* Local. "experts=8_learning-rate=0.1-s3", and where that run is. */
void sweep_run_name(const struct sweep *sweep, size_t run, char *name, size_t size);
void sweep_run_path(const struct sweep *sweep, size_t run, char *path, size_t size);

/* Local. The options of `train` for this run; options_release frees them. */
status sweep_run_options(const struct sweep *sweep, size_t run, struct options *options);

/* How a run stands, as result.json in its directory says. */
enum run_state { RUN_OPEN, RUN_FINISHED, RUN_FAILED };
struct sweep_result {
    enum run_state state;
    char message[512];          /* of a failure */
    struct selection selection; /* of a finished run */
};

/* The members of struct selection by name: NULL ends the list. */
struct selection_member {
    const char *name;
    size_t offset;
};
extern const struct selection_member selection_members[];
double selection_get(const struct selection *selection, const struct selection_member *member);

/* Root. Whole or absent; a run without a result is open. */
status sweep_result_write(const char *run_path, const struct sweep_result *result);
void sweep_result_read(const char *run_path, struct sweep_result *result);

/*
 * Root. Two sweeps that do the same runs would call each other's failed: the second gets
 * STATUS_USAGE. A sweep without --index locks all runs, a part those that it has to do. *lock: a
 * descriptor to be closed at the end, in any case; -1 before.
 */
status sweep_lock(const struct sweep *sweep, const size_t *todo, size_t n_todo, int *lock);

/* Root. Shows the table and writes table.csv in the sweep's folder. */
status sweep_table(const struct sweep *sweep);

/*
 * Root. Takes what is not said from the sweep that is in --output already. STATUS_USAGE if that one
 * was made with other options, besides grid and seeds. *exists: there is one.
 */
status sweep_record_merge(struct options *options, bool *exists);

/* Root. Writes sweep.yaml, which --config reads. */
status sweep_record_write(const struct options *options);

#endif
