/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_RESHAPE_RESHAPE_SUMS_H
#define COTERIE_TRAIN_RESHAPE_RESHAPE_SUMS_H

#include "checkpoint/snapshot.h"
#include "reshape_plan.h"

/*
 * Local. The running sums of on-line EM, after the parameters. A merged pair has the sums of both,
 * and what is pruned takes its own along. Twins have half of their parent's, as if its samples had
 * moved with the twin's mean and weights by what these differ from the parent's: of unmoved sums
 * the next M-step would make the parent twice.
 */
status reshape_sums(const struct reshape *reshape, const struct snapshot *from,
                    struct snapshot *to);

#endif
