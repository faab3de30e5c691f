/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUBMIT_INTERNAL_H
#define COTERIE_APP_SUBMIT_INTERNAL_H

#include "app/options/options.h"
#include "comm/communicator.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* All functions are Root. */

/* What a batch script is made of. */
struct job {
    const struct options *options; /* of `submit` */
    bool is_sweep;
    char *const *word; /* (n_words) what follows `coterie train` or `coterie sweep` */
    size_t n_words;
    double memory; /* bytes of a node */
};

/* Finds the data and options of the job at fault, or how much memory a node needs for it. */
status submit_check(const struct communicator *comm, struct job *job);

/* Writes the script. A file that is there and was not written by `submit` is left alone. */
status submit_write(const struct job *job, const char *path);

/* One word of a command line for the shell. */
void submit_put_word(FILE *file, const char *word);

/* Hands the script to sbatch and says what that says. */
status submit_now(const char *path);

#endif
