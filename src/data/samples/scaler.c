/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/scaler.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

status scaler_init(struct scaler *scaler, size_t n_inputs, size_t n_targets)
{
    memset(scaler, 0, sizeof *scaler);
    scaler->n_inputs = n_inputs;
    scaler->n_targets = n_targets;
    double **array[6] = {&scaler->x_mean, &scaler->x_scale, &scaler->x_least,
                         &scaler->x_most, &scaler->y_mean,  &scaler->y_scale};
    status outcome = STATUS_OK;
    for (int i = 0; i < 6 && outcome == STATUS_OK; i++)
        outcome =
            memory_alloc(array[i], i < 4 ? n_inputs : n_targets, sizeof(double), "the scaling");
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&scaler->is_constant, n_inputs + n_targets, sizeof(bool), "the scaling");
    if (outcome != STATUS_OK) {
        scaler_release(scaler);
        return outcome;
    }
    for (size_t c = 0; c < n_inputs; c++) {
        scaler->x_scale[c] = 1;
        scaler->x_least[c] = scaler->x_most[c] = NAN;
    }
    for (size_t c = 0; c < n_targets; c++)
        scaler->y_scale[c] = 1;
    return STATUS_OK;
}

void scaler_release(struct scaler *scaler)
{
    memory_free(&scaler->x_mean);
    memory_free(&scaler->x_scale);
    memory_free(&scaler->x_least);
    memory_free(&scaler->x_most);
    memory_free(&scaler->y_mean);
    memory_free(&scaler->y_scale);
    memory_free(&scaler->is_constant);
    scaler->n_inputs = scaler->n_targets = 0;
}
