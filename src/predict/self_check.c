/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict/self_check.h"

#include "predictor_state.h"

#include "base/memory.h"

#include <math.h>

status self_check_answer(const struct predictor *predictor, const struct scaler *scaler,
                         const struct self_check *check, double *y, double *log_density)
{
    size_t inputs = predictor->n_inputs, outputs = predictor->n_outputs;
    const struct likelihood_family *family = likelihood_family(predictor->shape.config.likelihood);
    bool is_positive = family->targets == TARGETS_POSITIVE;
    double *d;
    char *work = NULL;
    status outcome = memory_alloc(&d, outputs + predictor->n_experts, sizeof *d, "a check");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&work, predictor_work_bytes(predictor, 1), 1, "a check");
    for (size_t i = 0; i < check->n && outcome == STATUS_OK; i++) {
        struct predicted said;
        predictor_compute_with(predictor, scaler, 1, check->x + i * inputs, work, &said);
        for (size_t k = 0; k < outputs; k++) {
            y[i * outputs + k] = said.y[k * said.stride];
            d[k] = is_positive || k == i % outputs;
        }
        log_density[i] = predictor_log_density(predictor, &said, 0, d, d + outputs);
    }
    memory_free(&work);
    memory_free(&d);
    return outcome;
}

/* Both may be no number, of a model that overflows there. */
static bool agree(double a, double b, double tolerance)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * (1 + fabs(b));
}

static status compare(const struct predictor *predictor, const struct self_check *check,
                      const struct self_check *now, const char *path)
{
    size_t outputs = predictor->n_outputs;
    double tolerance = predictor->pass == &pass_double ? 1e-9 : 1e-4;
    for (size_t i = 0; i < check->n; i++)
        for (size_t k = 0; k <= outputs; k++) {
            bool is_density = k == outputs;
            double wanted = is_density ? check->log_density[i] : check->y[i * outputs + k];
            double found = is_density ? now->log_density[i] : now->y[i * outputs + k];
            if (!agree(found, wanted, tolerance))
                return status_set(
                    STATUS_USAGE,
                    "%s does not compute what it was saved with: check %zu gives %.9g "
                    "for %.9g; this build is faulty, or the file was changed",
                    path, i, found, wanted);
        }
    return STATUS_OK;
}

status self_check_verify(const struct predictor *predictor, const struct self_check *check,
                         const char *path)
{
    struct self_check now = {0};
    if (check->n == 0)
        return STATUS_OK;
    status outcome = self_check_init(&now, check->n, predictor->n_inputs, predictor->n_outputs);
    if (outcome == STATUS_OK)
        outcome =
            self_check_answer(predictor, &predictor->record.scaler, check, now.y, now.log_density);
    if (outcome == STATUS_OK)
        outcome = compare(predictor, check, &now, path);
    self_check_release(&now);
    return outcome;
}
