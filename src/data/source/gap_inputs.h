/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_GAP_INPUTS_H
#define COTERIE_DATA_GAP_INPUTS_H

#include "base/status.h"
#include "base/string_list.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Inputs that tell of a column whether its value is missing: missing(age) is 1 where age has none,
 * and 0 elsewhere. They follow all others, and are found again by their names. Local.
 */
struct gap_inputs {
    size_t n_own; /* inputs that are columns, or texts of one */
    size_t n;     /* those that follow, and tell of these */
    size_t *of;   /* (n) the first input that the i-th of them tells of; owned */
};

/* Among the names of a model's inputs. */
status gap_inputs_find(struct gap_inputs *gaps, const struct string_list *names);
void gap_inputs_release(struct gap_inputs *gaps);

/* Of each of the n_own inputs, which one tells of it: told_by (n_own), n where none does. */
void gap_inputs_spread(const struct gap_inputs *gaps, const struct string_list *names,
                       size_t *told_by);

/* The name of the input that tells of a column; memory_free frees *name. */
status gap_input_name(const char *column, char **name);
/* Whether a name has that form, and is that of `column` if that is not NULL. */
bool gap_input_is(const char *name, const char *column);

/* The names of a model's other inputs, and the columns that these inputs tell of. */
status gap_inputs_split(const struct string_list *names, struct string_list *own,
                        struct string_list *columns);

#endif
