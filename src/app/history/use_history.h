/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_HISTORY_USE_HISTORY_H
#define COTERIE_APP_HISTORY_USE_HISTORY_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* The share of each expert over the epochs, from experts.jsonl of a run directory. */
struct use_history {
    size_t n, n_experts;
    double *epoch; /* (n), owned */
    double *g;     /* (E, n) mean mixing proportions, owned; NAN: not known */
};

/*
 * Local. Reads it into `use` (zero-initialised; use_history_release). A file that is not there, or
 * lines that are none of ours, leave it shorter or empty; the outcome is that of memory only.
 */
status use_history_read(const char *run, struct use_history *use);
void use_history_release(struct use_history *use);

#endif
