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

struct target_exceptions {
    size_t n, first; /* samples that have such targets, and the first of them */
    double target;   /* of that one */
};

/* What numeric targets look like, of all samples. */
struct target_facts {
    double least, most;
    bool are_binary; /* all 0 or 1 */
    bool are_whole;  /* all whole numbers */
    bool rows_sum_to_1;
    struct target_exceptions no_counts;   /* targets that are no whole numbers from 0 to 2^24 */
    struct target_exceptions no_positive; /* that are not above 0 */
};

/* Of the columns (n), inputs first. */
struct survey_moments {
    size_t n_inputs, n;
    double *mean, *square;             /* of all samples but the last n_new: square, about mean */
    double *least, *largest;           /* of all */
    double *centre, *sum, *sum_square; /* of the last n_new, about centre */
    size_t n_old, n_new;               /* n_new is 0 after data_survey_take */
    size_t *gaps_old, *gaps_new;       /* (n) how many of these samples lack the number */
    bool may_have_gaps;
    bool lacks_centre; /* of some column, all of whose numbers so far are missing */
};

struct data_survey {
    uint64_t fingerprint; /* as source_fingerprint has it */
    struct target_facts targets;
    struct survey_moments moments; /* of the samples `rows` */
};

/*
 * The pass. Moments are those of the samples `rows` (n_rows, ascending), in their order, and of the
 * numbers that are there. Rows that are incomplete by now say nothing of the targets.
 */
status data_survey_take(struct data_survey *survey, struct source *source, const uint64_t *rows,
                        size_t n_rows);
void data_survey_release(struct data_survey *survey);

#endif
