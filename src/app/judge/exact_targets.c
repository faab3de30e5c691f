/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/exact_targets.h"

#include "base/memory.h"

enum { BLOCK = 4096 };

status exact_targets_init(struct exact_targets *targets, const struct loaded_model *loaded)
{
    *targets = (struct exact_targets){.loaded = loaded};
    return memory_alloc(&targets->block, BLOCK * source_info(loaded->source)->n_targets,
                        sizeof(double), "the targets");
}

void exact_targets_release(struct exact_targets *targets)
{
    memory_free(&targets->block);
}

status exact_targets_squared(struct exact_targets *targets, const double *y, size_t row,
                             double *squared)
{
    struct source *source = targets->loaded->source;
    const struct scaler *scaler = &targets->loaded->record.scaler;
    const struct source_info *info = source_info(source);
    size_t width = info->n_targets;
    if (row < targets->first || row >= targets->end) {
        size_t n = info->n - row < BLOCK ? info->n - row : BLOCK;
        status outcome = source_read(source, row, n, NULL, targets->block);
        if (outcome != STATUS_OK)
            return outcome;
        targets->first = row;
        targets->end = row + n;
    }
    *squared = 0;
    for (size_t k = 0; k < width; k++) {
        double residual = targets->block[(row - targets->first) * width + k] -
                          (y[k] * scaler->y_scale[k] + scaler->y_mean[k]);
        *squared += residual * residual / (double)width;
    }
    return STATUS_OK;
}
