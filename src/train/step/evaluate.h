/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_EVALUATE_H
#define COTERIE_TRAIN_EVALUATE_H

#include "data/samples/dataset.h"
#include "train/step/step.h"

#include <stddef.h>

/*
 * Collective. Forward over all samples in their order, micro-batch by micro-batch; after each,
 * visit is called on every rank with the number of the first sample and what step_forward left.
 */
void evaluate_dataset(struct step *step, const struct dataset *dataset, size_t micro_batch,
                      void (*visit)(struct step *step, size_t first, void *context), void *context);

#endif
