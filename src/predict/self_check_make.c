/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict/self_check.h"

#include "predictor_state.h"

#include <math.h>

enum { N_SAMPLES = 8, MOST_PARAMETERS = 1 << 24 };

/* The golden ratio's multiples modulo 1 lie apart from each other. */
static double place(size_t i)
{
    double at = 0.6180339887498949 * (double)i;
    return at - floor(at);
}

static void choose_inputs(const struct scaler *scaler, struct self_check *check)
{
    size_t inputs = scaler->n_inputs;
    for (size_t i = 0; i < check->n; i++)
        for (size_t c = 0; c < inputs; c++) {
            double share = place(1 + i + c * check->n);
            double range = scaler->x_most[c] - scaler->x_least[c];
            check->x[i * inputs + c] =
                isfinite(range) ? scaler->x_least[c] + share * range
                                : scaler->x_mean[c] + (2 * share - 1) * scaler->x_scale[c];
        }
}

status self_check_make(const struct snapshot *snapshot, const struct scaler *scaler,
                       struct self_check *check)
{
    const struct model_config *config = &snapshot->shape.config;
    struct predictor *predictor = NULL;
    *check = (struct self_check){0};
    if (model_n_parameters(config) > MOST_PARAMETERS)
        return STATUS_OK;
    status outcome = self_check_init(check, N_SAMPLES, config->n_inputs, config->n_outputs);
    if (outcome == STATUS_OK)
        outcome = predictor_create(&snapshot->shape, &snapshot->current, &predictor);
    if (outcome == STATUS_OK) {
        choose_inputs(scaler, check);
        outcome = self_check_answer(predictor, scaler, check, check->y, check->log_density);
    }
    predictor_destroy(&predictor);
    return outcome;
}
