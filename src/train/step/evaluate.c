/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/evaluate.h"

void evaluate_dataset(struct step *step, const struct dataset *dataset, size_t micro_batch,
                      void (*visit)(struct step *step, size_t first, void *context), void *context)
{
    size_t n = dataset->shape.n;
    double total = batch_total(dataset, NULL, 0, n);
    for (size_t at = 0; at < n; at += micro_batch) {
        size_t count = n - at < micro_batch ? n - at : micro_batch;
        batch_load(&step->batch, dataset, NULL, at, count, total);
        step_forward(step);
        visit(step, at, context);
    }
}
