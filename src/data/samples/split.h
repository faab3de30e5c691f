/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SPLIT_H
#define COTERIE_DATA_SPLIT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which samples are for training and which for validation; both ascending. With groups (group not
 * NULL, indices below n_groups) whole groups are drawn, so that validation is on unseen groups:
 * round(fraction * n_groups) of them, at least one and not all. The draw depends on the seed only.
 * STATUS_USAGE if one side would be empty. Local.
 */
struct split {
    uint64_t *train; /* (n_train) */
    uint64_t *valid; /* (n_valid) */
    size_t n_train, n_valid;
};

/* fraction 0: all samples are for training. */
status split_init(struct split *split, size_t n, const int32_t *group, size_t n_groups,
                  double fraction, uint64_t seed);
void split_release(struct split *split);

/* Takes the samples that are marked in left_out (all samples) out of a list of n. */
void split_leave_out(uint64_t *rows, size_t *n, const bool *left_out);

/*
 * Deals the training samples out to n_folds (at most 64) folds of about equal size: fold (n_train).
 * With groups whole groups are dealt; else, with labels, the samples of each class are. The draw
 * depends on the seed only. STATUS_USAGE if there are fewer groups or samples than folds.
 */
status split_folds(const struct split *split, const int32_t *group, size_t n_groups,
                   const int32_t *label, size_t n_classes, size_t n_folds, uint64_t seed,
                   uint8_t *fold);

#endif
