/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/metrics.h"

#include "base/memory.h"
#include "math/vector_math.h"

#include <math.h>
#include <string.h>

status metrics_init(struct metrics *metrics, size_t n_experts)
{
    memset(metrics, 0, sizeof *metrics);
    metrics->n_experts = n_experts;
    return memory_alloc(&metrics->use, n_experts, sizeof(double), "metrics");
}

void metrics_release(struct metrics *metrics)
{
    memory_free(&metrics->use);
}

static double *sum_at(struct metrics *metrics, int i)
{
    double *all[METRICS_N_SUMS] = {&metrics->weight,          &metrics->error,   &metrics->nll,
                                   &metrics->expected_square, &metrics->correct, &metrics->squared,
                                   &metrics->gate_entropy};
    return all[i];
}

void metrics_to_array(const struct metrics *metrics, double *sums)
{
    struct metrics copy = *metrics;
    for (int i = 0; i < METRICS_N_SUMS; i++)
        sums[i] = *sum_at(&copy, i);
}

void metrics_from_array(struct metrics *metrics, const double *sums)
{
    for (int i = 0; i < METRICS_N_SUMS; i++)
        *sum_at(metrics, i) = sums[i];
}

void metrics_clear(struct metrics *metrics)
{
    const double zero[METRICS_N_SUMS] = {0};
    metrics_from_array(metrics, zero);
    memset(metrics->use, 0, metrics->n_experts * sizeof(double));
}

LEAF_KERNEL static double weighted_sum(size_t n, const real *restrict weight,
                                       const real *restrict value)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)weight[i] * (double)value[i];
    return sum;
}

/* sum w g log g; g log g is 0 where g underflows */
LEAF_KERNEL static double weighted_g_log_g(size_t n, const real *restrict weight,
                                           const real *restrict g, const real *restrict log_g)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += g[i] > 0 ? (double)weight[i] * (double)g[i] * (double)log_g[i] : 0;
    return sum;
}

static void add_gate(struct metrics *metrics, const struct step *step)
{
    const struct gate *gate = &step->model->gate;
    size_t stride = step->batch.stride;
    for (size_t e = 0; e < gate->n_experts; e++) {
        const real *g = gate->g + e * stride;
        metrics->use[e] += weighted_sum(stride, step->batch.weight, g);
        metrics->gate_entropy -=
            weighted_g_log_g(stride, step->batch.weight, g, gate->log_g + e * stride);
    }
}

/* Right if the largest output is the target's largest, or each output is on its side of 1/2. */
static double sample_correct(const struct batch *batch, const real *y, size_t i)
{
    size_t stride = batch->stride, outputs = batch->n_outputs;
    if (outputs == 1)
        return (y[i] > (real)0.5) == (batch->d[i] > (real)0.5);
    size_t best_y = 0, best_d = 0;
    for (size_t k = 1; k < outputs; k++) {
        if (y[k * stride + i] > y[best_y * stride + i])
            best_y = k;
        if (batch->d[k * stride + i] > batch->d[best_d * stride + i])
            best_d = k;
    }
    return best_y == best_d;
}

/* The share of logistic outputs that are on the target's side of 1/2. */
static double outputs_correct(const struct batch *batch, const real *y, size_t i)
{
    double correct = 0;
    for (size_t k = 0; k < batch->n_outputs; k++)
        correct +=
            (y[k * batch->stride + i] > (real)0.5) == (batch->d[k * batch->stride + i] > (real)0.5);
    return correct / (double)batch->n_outputs;
}

static double correct(const struct step *step, size_t i)
{
    if (output_functions[step->model->config.output].decides_each)
        return outputs_correct(&step->batch, step->y, i);
    return sample_correct(&step->batch, step->y, i);
}

/* The mean over outputs of (d - y)^2 in the units of the data. */
static double squared(const struct metrics_config *config, const struct step *step, size_t i)
{
    const struct batch *batch = &step->batch;
    double sum = 0;
    for (size_t k = 0; k < batch->n_outputs; k++) {
        double scale = config->y_scale ? config->y_scale[k] : 1;
        double residual = scale * ((double)batch->d[k * batch->stride + i] -
                                   (double)step->y[k * batch->stride + i]);
        sum += residual * residual;
    }
    return sum / (double)batch->n_outputs;
}

/* -log p(d|x) with the combined outputs taken as probabilities */
static double nll_of_probabilities(const struct step *step, size_t i)
{
    const struct batch *batch = &step->batch;
    bool is_logistic = output_functions[step->model->config.output].decides_each;
    double nll = 0;
    for (size_t k = 0; k < batch->n_outputs; k++) {
        double d = (double)batch->d[k * batch->stride + i];
        double y = (double)step->y[k * batch->stride + i];
        if (d != 0)
            nll -= d * log(y);
        if (is_logistic && d != 1)
            nll -= (1 - d) * log1p(-y);
    }
    return nll;
}

/* -log p(d|x) of the mixture, but for constants */
static double nll_of_mixture(const struct step *step, size_t i)
{
    const struct batch *batch = &step->batch;
    const struct likelihood_family *family = likelihood_family(step->model->config.likelihood);
    double nll = -step->log_sum[i];
    for (size_t k = 0; k < batch->n_outputs && family->log_base; k++)
        nll -= family->log_base((double)batch->d[k * batch->stride + i]);
    return nll;
}

static double nll(const struct metrics_config *config, const struct step *step, size_t i)
{
    return config->nll_from_mixture ? nll_of_mixture(step, i) : nll_of_probabilities(step, i);
}

void metrics_add_sample(struct metrics *metrics, const struct metrics_config *config,
                        const struct step *step, size_t i)
{
    double weight = (double)step->batch.weight[i];
    metrics->weight += weight;
    metrics->error += weight * step->error[i];
    metrics->expected_square += weight * (double)step->expected[i];
    metrics->nll += weight * nll(config, step, i);
    if (config->has_accuracy)
        metrics->correct += weight * correct(step, i);
    if (config->has_rmse)
        metrics->squared += weight * squared(config, step, i);
}

void metrics_add(struct metrics *metrics, const struct metrics_config *config,
                 const struct step *step)
{
    for (size_t i = 0; i < step->batch.n; i++)
        metrics_add_sample(metrics, config, step, i);
    add_gate(metrics, step);
}

static double count_used(const struct metrics *metrics)
{
    double used = 0;
    for (size_t e = 0; e < metrics->n_experts; e++)
        used += metrics->use[e] / metrics->weight >= 0.01 / (double)metrics->n_experts;
    return used;
}

void metrics_summarise(const struct metrics *metrics, const struct metrics_config *config,
                       bool is_valid, struct metrics_record *record)
{
    double weight = metrics->weight;
    double nll = metrics->nll / weight + config->nll_offset;
    double accuracy = config->has_accuracy ? metrics->correct / weight : NAN;
    double rmse = config->has_rmse ? sqrt(metrics->squared / weight) : NAN;
    if (is_valid) {
        record->error_valid = metrics->error / weight;
        record->nll_valid = nll;
        record->expected_square_valid = metrics->expected_square / weight;
        record->accuracy_valid = accuracy;
        record->rmse_valid = rmse;
        return;
    }
    record->error = metrics->error / weight;
    record->nll = nll;
    record->expected_square = metrics->expected_square / weight;
    record->accuracy = accuracy;
    record->rmse = rmse;
    record->gate_entropy = metrics->gate_entropy / weight;
    record->experts_used = count_used(metrics);
}
