/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict/conformal.h"

#include "base/memory.h"
#include "predict/predictor.h"

#include <math.h>
#include <stdlib.h>

/* The quantiles that distances are measured by: those of an interval of 90 %. */
static const double tail = 0.05;

/* Parameters of a model that is copied to be calibrated; operations that a calibration takes. */
static const double most_parameters = 0x1p24, most_products = 0x1p33, most_densities = 0x1p22;

size_t conformal_most_rows(const struct model_config *config)
{
    double parameters = (double)model_n_parameters(config);
    double densities = (double)config->n_experts * (double)config->n_outputs;
    double rows = fmin(CONFORMAL_MOST_ROWS,
                       fmin(floor(most_products / parameters), floor(most_densities / densities)));
    return parameters > most_parameters ? 0 : (size_t)rows;
}

/* How far the quantile on one side lies from the median, above 0. */
static double distance(const struct likelihood_family *family, double median, double quantile)
{
    const double least = 1e-9; /* of scaled targets: rounding */
    double cell = family->targets == TARGETS_COUNTS ? 0.5 : 0;
    return fmax(fabs(quantile - median) + cell, least);
}

static double score_of(const struct likelihood_family *family, const struct target_mixture *mixture,
                       double d)
{
    double median = likelihood_quantile(family, mixture, 0.5);
    double side = likelihood_quantile(family, mixture, d < median ? tail : 1 - tail);
    double score = fabs(d - median) / distance(family, median, side);
    return isnan(score) ? INFINITY : score;
}

double conformal_end(const struct likelihood_family *family, const struct target_mixture *mixture,
                     double factor, bool is_upper)
{
    double median = likelihood_quantile(family, mixture, 0.5);
    double side = likelihood_quantile(family, mixture, is_upper ? 1 - tail : tail);
    double reach = factor * distance(family, median, side);
    double end = is_upper ? median + reach : median - reach;
    if (family->targets == TARGETS_COUNTS)
        end = is_upper ? floor(end) : ceil(end);
    return family->targets != TARGETS_ANY_NUMBER && end < 0 ? 0 : end;
}

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/* What one sample is computed in. */
struct calibration {
    struct predictor *predictor;
    double *x, *g, *o; /* (D), (E), (E) */
    char *work;
};

static status calibration_init(struct calibration *calibration, const struct snapshot *snapshot)
{
    const struct model_config *config = &snapshot->shape.config;
    *calibration = (struct calibration){0};
    status outcome =
        predictor_create(&snapshot->shape, &snapshot->current, &calibration->predictor);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&calibration->x, config->n_inputs, sizeof(double), "a calibration");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&calibration->g, config->n_experts, sizeof(double), "a calibration");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&calibration->o, config->n_experts, sizeof(double), "a calibration");
    return outcome == STATUS_OK
               ? memory_alloc(&calibration->work, predictor_work_bytes(calibration->predictor, 1),
                              1, "a calibration")
               : outcome;
}

static void calibration_release(struct calibration *calibration)
{
    predictor_destroy(&calibration->predictor);
    memory_free(&calibration->x);
    memory_free(&calibration->g);
    memory_free(&calibration->o);
    memory_free(&calibration->work);
}

/* Sample i of those held out. */
static void add_sample(const struct calibration *calibration, const struct model_config *config,
                       const struct dataset *held_out, size_t i, struct conformal_scores *scores)
{
    const struct likelihood_family *family = likelihood_family(config->likelihood);
    size_t experts = config->n_experts, outputs = config->n_outputs;
    struct predicted said;
    for (size_t c = 0; c < config->n_inputs; c++)
        calibration->x[c] = (double)held_out->x[i * config->n_inputs + c];
    predictor_compute_scaled(calibration->predictor, 1, calibration->x, calibration->work, &said);
    for (size_t k = 0; k < outputs; k++) {
        for (size_t e = 0; e < experts; e++) {
            calibration->g[e] = said.g[e * said.stride];
            calibration->o[e] = said.o[(e * outputs + k) * said.stride];
        }
        struct target_mixture mixture = {experts, calibration->g, calibration->o,
                                         predictor_dispersion(calibration->predictor)};
        scores->score[k * scores->n + i] =
            score_of(family, &mixture, (double)held_out->y[i * outputs + k]);
    }
}

status conformal_calibrate(const struct snapshot *snapshot, const struct dataset *held_out,
                           struct conformal_scores *scores)
{
    const struct model_config *config = &snapshot->shape.config;
    struct calibration calibration;
    *scores = (struct conformal_scores){0};
    if (held_out->shape.n == 0 || held_out->shape.n_targets != config->n_outputs ||
        !likelihood_has_quantiles(likelihood_family(config->likelihood)))
        return STATUS_OK;
    status outcome = calibration_init(&calibration, snapshot);
    if (outcome == STATUS_OK)
        outcome = conformal_scores_init(scores, held_out->shape.n, config->n_outputs);
    for (size_t i = 0; i < held_out->shape.n && outcome == STATUS_OK; i++)
        add_sample(&calibration, config, held_out, i, scores);
    for (size_t k = 0; k < config->n_outputs && outcome == STATUS_OK; k++)
        qsort(scores->score + k * scores->n, scores->n, sizeof(double), by_size);
    calibration_release(&calibration);
    return outcome;
}

/* ceil((n + 1) p) for the p that the user wrote: 0.55 of 100 is the 55th, not the 56th. */
static double place_of(size_t n, double p)
{
    return ceil((double)(n + 1) * p * (1 - 1e-13));
}

size_t conformal_least_rows(double p)
{
    size_t n = (size_t)fmax(floor(p / (1 - p)) - 2, 0);
    while (place_of(n, p) > (double)n)
        n++;
    return n;
}

double conformal_factor(const struct conformal_scores *scores, size_t k, double p)
{
    double place = place_of(scores->n, p);
    return place > (double)scores->n ? INFINITY
                                     : scores->score[k * scores->n + (size_t)fmax(place, 1) - 1];
}
