/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_EARLY_UPDATE_H
#define COTERIE_TRAIN_EARLY_UPDATE_H

#include "model/experts.h"
#include "train/step/optimizer.h"

#include <stdbool.h>

/*
 * Updates each expert in backward, as soon as its gradient is made, instead of all of them
 * afterwards: the gradient never leaves the cache. The bits are the same. For batches between whose
 * gradient and update nothing has to happen: no clipping, no sum over replicas. Local.
 */
struct early_update {
    struct optimizer *optimizer; /* not owned */
    struct experts *experts;     /* not owned */
    double rate;
    uint64_t step; /* counts from 1 */
};

/*
 * `optimizer` is that of `experts`. Where a batch is one micro-batch, all experts share the memory
 * for one gradient.
 */
void early_update_init(struct early_update *update, struct optimizer *optimizer,
                       struct experts *experts, bool one_micro_batch);

/* Before each backward; updates: it is that of a batch's last micro-batch. */
void early_update_prepare(struct early_update *update, bool updates, double rate, uint64_t step);

#endif
