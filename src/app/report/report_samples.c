/* SPDX-License-Identifier: BSD-3-Clause */
#include "report_internal.h"

#include "base/memory.h"
#include "model/likelihood/likelihood.h"

/* Work space of a tile, and where its samples go. */
struct tile {
    struct report *report;
    void *work;
    double *g, *o; /* (E) each */
};

static status reserve(struct report *report, struct tile *tile)
{
    struct report_samples *samples = &report->samples;
    const struct model_config *config = predictor_config(report->predictor);
    size_t n = samples->n, numbers = n * samples->n_outputs;
    bool is_continuous = report->evaluation.trust.has_density &&
                         likelihood_family(config->likelihood)->targets != TARGETS_COUNTS;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&samples->x, n * samples->n_inputs, sizeof(double)},
                  {&samples->d, numbers, sizeof(double)},
                  {&samples->y, numbers, sizeof(double)},
                  {&samples->label, n, sizeof(int32_t)},
                  {&tile->g, config->n_experts, sizeof(double)},
                  {&tile->o, config->n_experts, sizeof(double)},
                  {&tile->work, predictor_work_bytes(report->predictor, PREDICTOR_TILE), 1},
                  {&samples->u, numbers, sizeof(double)}};
    size_t n_arrays = sizeof arrays / sizeof arrays[0] - !is_continuous;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n_arrays && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the report");
    return outcome;
}

/* The rows of the source, in order, that samples first .. first+n-1 are. */
static status read_rows(struct report *report, size_t first, size_t n)
{
    struct report_samples *samples = &report->samples;
    const struct source_info *info = source_info(report->loaded.source);
    size_t all = report->loaded.samples.dataset.shape.n;
    status outcome = STATUS_OK;
    for (size_t i = first; i < first + n && outcome == STATUS_OK; i++) {
        size_t row = report->loaded.rows[i * all / samples->n];
        double *y =
            info->n_targets == samples->n_outputs ? samples->d + i * samples->n_outputs : NULL;
        samples->label[i] = info->label ? info->label[row] : -1;
        outcome = source_read(report->loaded.source, row, 1, samples->x + i * samples->n_inputs, y);
    }
    return outcome;
}

/* P(d_k <= what it is) of sample i of the tile. */
static double transform_of(const struct tile *tile, const struct predicted *predicted, size_t k,
                           size_t i, double d)
{
    const struct model_config *config = predictor_config(tile->report->predictor);
    size_t stride = predicted->stride;
    for (size_t e = 0; e < config->n_experts; e++) {
        tile->g[e] = predicted->g[e * stride + i];
        tile->o[e] = predicted->o[(e * config->n_outputs + k) * stride + i];
    }
    struct target_mixture mixture = {config->n_experts, tile->g, tile->o,
                                     predictor_dispersion(tile->report->predictor)};
    return likelihood_cdf(likelihood_family(config->likelihood), &mixture, d);
}

static void predict_tile(const struct tile *tile, size_t first, size_t n)
{
    struct report_samples *samples = &tile->report->samples;
    const struct predictor *predictor = tile->report->predictor;
    const struct scaler *scaler = &predictor_record(predictor)->scaler;
    bool is_scaled = !predictor_is_classifier(predictor);
    struct predicted predicted;
    predictor_compute(predictor, n, samples->x + first * samples->n_inputs, tile->work, &predicted);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < samples->n_outputs; k++) {
            size_t at = (first + i) * samples->n_outputs + k;
            double y = predicted.y[k * predicted.stride + i];
            samples->y[at] = is_scaled ? y * scaler->y_scale[k] + scaler->y_mean[k] : y;
            if (samples->u)
                samples->u[at] =
                    transform_of(tile, &predicted, k, i,
                                 (samples->d[at] - scaler->y_mean[k]) / scaler->y_scale[k]);
        }
}

status report_samples_read(struct report *report)
{
    struct report_samples *samples = &report->samples;
    struct tile tile = {.report = report};
    size_t all = report->loaded.samples.dataset.shape.n;
    samples->n = all < REPORT_SAMPLES ? all : REPORT_SAMPLES;
    samples->n_inputs = predictor_config(report->predictor)->n_inputs;
    samples->n_outputs = predictor_config(report->predictor)->n_outputs;
    status outcome = reserve(report, &tile);
    for (size_t first = 0; first < samples->n && outcome == STATUS_OK; first += PREDICTOR_TILE) {
        size_t left = samples->n - first, n = left < PREDICTOR_TILE ? left : PREDICTOR_TILE;
        outcome = read_rows(report, first, n);
        if (outcome == STATUS_OK)
            predict_tile(&tile, first, n);
    }
    memory_free(&tile.work);
    memory_free(&tile.g);
    memory_free(&tile.o);
    return outcome;
}

void report_samples_release(struct report_samples *samples)
{
    memory_free(&samples->x);
    memory_free(&samples->d);
    memory_free(&samples->y);
    memory_free(&samples->u);
    memory_free(&samples->label);
}
