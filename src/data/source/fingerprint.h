/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_FINGERPRINT_H
#define COTERIE_DATA_FINGERPRINT_H

#include "data/source/source.h"

#include <xxhash.h>

/*
 * source_fingerprint step by step, for those who pass over all samples anyway. Private to the data
 * layer; Local.
 */
struct fingerprint {
    size_t n_inputs, n_targets;
    XXH3_state_t *state; /* owned until fingerprint_end, which is called in any case */
};

/* Names, shape, labels, groups and weights. */
status fingerprint_begin(struct fingerprint *print, const struct source_info *info);

/* The next sample of all, x (D) and y (T). */
void fingerprint_add(struct fingerprint *print, const double *x, const double *y);

uint64_t fingerprint_end(struct fingerprint *print);

#endif
