/* SPDX-License-Identifier: BSD-3-Clause */
#include "response.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* Multiplications that may be spent on partial dependence: about a second. */
static const double most_work = 2e9;
enum { MOST_BASE = 200, LEAST_BASE = 10 };

status response_init(struct response *response, struct report *report)
{
    const struct model_config *config = predictor_config(report->predictor);
    double once = (double)model_n_parameters(config) * RESPONSE_GRID * (double)config->n_inputs;
    size_t n = report->samples.n;
    *response = (struct response){.report = report};
    double base = fmax(fmin(most_work / once, MOST_BASE), LEAST_BASE);
    response->base = n < (size_t)base ? n : (size_t)base;
    status outcome =
        memory_alloc(&response->x, PREDICTOR_TILE * config->n_inputs, sizeof(double), "the report");
    return outcome == STATUS_OK
               ? memory_alloc(&response->work,
                              predictor_work_bytes(report->predictor, PREDICTOR_TILE), 1,
                              "the report")
               : outcome;
}

void response_release(struct response *response)
{
    memory_free(&response->x);
    memory_free(&response->work);
}

void response_range(const struct report *report, size_t j, double *least, double *most)
{
    const struct report_samples *samples = &report->samples;
    *least = INFINITY;
    *most = -INFINITY;
    for (size_t i = 0; i < samples->n; i++) {
        *least = fmin(*least, samples->x[i * samples->n_inputs + j]);
        *most = fmax(*most, samples->x[i * samples->n_inputs + j]);
    }
}

/* The sum of predictions over the base with input j at `value` to sum (O). */
static void add_up(struct response *response, size_t j, double value, double *sum)
{
    const struct report_samples *samples = &response->report->samples;
    size_t inputs = samples->n_inputs;
    struct predicted predicted;
    for (size_t first = 0; first < response->base; first += PREDICTOR_TILE) {
        size_t left = response->base - first, n = left < PREDICTOR_TILE ? left : PREDICTOR_TILE;
        for (size_t i = 0; i < n; i++) {
            size_t from = (first + i) * samples->n / response->base;
            memcpy(response->x + i * inputs, samples->x + from * inputs, inputs * sizeof(double));
            response->x[i * inputs + j] = value;
        }
        predictor_compute(response->report->predictor, n, response->x, response->work, &predicted);
        for (size_t k = 0; k < samples->n_outputs; k++)
            for (size_t i = 0; i < n; i++)
                sum[k] += predicted.y[k * predicted.stride + i];
    }
}

void response_of_input(struct response *response, size_t j, double *values, double *means)
{
    const struct predictor *predictor = response->report->predictor;
    const struct scaler *scaler = &predictor_record(predictor)->scaler;
    size_t outputs = response->report->samples.n_outputs;
    bool is_scaled = !predictor_is_classifier(predictor);
    double least, most;
    response_range(response->report, j, &least, &most);
    memset(means, 0, RESPONSE_GRID * outputs * sizeof *means);
    for (size_t i = 0; i < RESPONSE_GRID; i++) {
        double *mean = means + i * outputs;
        values[i] = least + (most - least) * (double)i / (RESPONSE_GRID - 1);
        add_up(response, j, values[i], mean);
        for (size_t k = 0; k < outputs; k++) {
            mean[k] /= (double)response->base;
            if (is_scaled)
                mean[k] = mean[k] * scaler->y_scale[k] + scaler->y_mean[k];
        }
    }
}

static size_t largest(const struct predicted *predicted, size_t n_experts, size_t i)
{
    size_t best = 0;
    for (size_t e = 1; e < n_experts; e++)
        if (predicted->g[e * predicted->stride + i] > predicted->g[best * predicted->stride + i])
            best = e;
    return best;
}

void response_regions(struct response *response, size_t *first)
{
    const struct report *report = response->report;
    size_t n_experts = predictor_config(report->predictor)->n_experts;
    double least[2], most[2];
    struct predicted predicted;
    for (size_t j = 0; j < 2; j++)
        response_range(report, j, &least[j], &most[j]);
    for (size_t cell = 0; cell < REGION_GRID * REGION_GRID; cell += PREDICTOR_TILE) {
        for (size_t i = 0; i < PREDICTOR_TILE; i++) {
            size_t at[2] = {(cell + i) % REGION_GRID, (cell + i) / REGION_GRID};
            for (size_t j = 0; j < 2; j++)
                response->x[2 * i + j] =
                    least[j] + (most[j] - least[j]) * ((double)at[j] + 0.5) / REGION_GRID;
        }
        predictor_compute(report->predictor, PREDICTOR_TILE, response->x, response->work,
                          &predicted);
        for (size_t i = 0; i < PREDICTOR_TILE; i++)
            first[cell + i] = largest(&predicted, n_experts, i);
    }
}

_Static_assert(REGION_GRID *REGION_GRID % PREDICTOR_TILE == 0, "whole tiles");
