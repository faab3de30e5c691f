/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_COMPARE_COMPARISON_H
#define COTERIE_APP_COMPARE_COMPARISON_H

#include "compared_run.h"

/* The runs in the order of the table. All functions are Local. */
struct comparison {
    size_t n, n_groups;       /* runs, and different sets of rows */
    struct compared_run *run; /* (n) */
};

/*
 * Sorts the runs: by the first of them with the same rows as they were given, those without rows
 * last, and within a group by nll, the least first. Sets `group` and `n_groups`.
 */
void comparison_order(struct comparison *comparison);

/* As lines of text, or as one JSON object on standard output. */
void comparison_print(const struct comparison *comparison);
void comparison_print_json(const struct comparison *comparison);

#endif
