/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SURVEY_H
#define COTERIE_DATA_SURVEY_H

#include "base/status.h"
#include "data/source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All that is asked of the numbers of a source before it is trained on, from one pass over it:
 * fingerprint, what the targets are like, and the moments that scaling needs. All functions are
 * Local.
 */

/* What numeric targets look like, of all samples. */
struct target_facts {
    double least, most;
    bool are_binary; /* all 0 or 1 */
    bool are_whole;  /* all whole numbers */
    bool rows_sum_to_1;
    size_t n_no_counts;    /* samples with a target that is no whole number from 0 to 2^24, */
    size_t first_no_count; /* the first of them, */
    double no_count;       /* and its target */
};

/* Of the columns (n), inputs first. */
struct survey_moments {
    size_t n_inputs, n;
    double *mean, *square;             /* of all samples but the last n_new: square, about mean */
    double *least, *largest;           /* of all */
    double *centre, *sum, *sum_square; /* of the last n_new, about centre */
    size_t n_old, n_new;               /* n_new is 0 after data_survey_take */
};

struct data_survey {
    uint64_t fingerprint; /* as source_fingerprint has it */
    struct target_facts targets;
    struct survey_moments moments; /* of the samples `rows` */
};

/* The pass. Moments are those of the samples `rows` (n_rows, ascending), in their order. */
status data_survey_take(struct data_survey *survey, struct source *source, const uint64_t *rows,
                        size_t n_rows);
void data_survey_release(struct data_survey *survey);

#endif
