/* SPDX-License-Identifier: BSD-3-Clause */
#include "fit.h"

#include "base/memory.h"
#include "predict/predictor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums over samples: three numbers, then g (E), h (E) and the Jacobian (O, D). */
enum { WEIGHT_AT, DENSITY_AT, ENTROPY_AT, PROPORTIONS_AT };

struct fit_work {
    struct predictor *predictor;
    size_t n_experts, n_outputs, n_inputs;
    double *x;         /* (PREDICTOR_TILE, D) */
    double *d, *h;     /* (O), (E) */
    double *jacobian;  /* (O, D) */
    void *space, *one; /* of a tile and of one sample */
};

static void work_release(struct fit_work *work)
{
    void *arrays[] = {&work->x, &work->d, &work->h, &work->jacobian, &work->space, &work->one};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        memory_free(arrays[i]);
    predictor_destroy(&work->predictor);
}

static status work_init(struct fit_work *work, const struct snapshot *snapshot)
{
    const struct model_config *config = &snapshot->shape.config;
    memset(work, 0, sizeof *work);
    work->n_experts = config->n_experts;
    work->n_outputs = config->n_outputs;
    work->n_inputs = config->n_inputs;
    status outcome = predictor_create(&snapshot->shape, &snapshot->current, &work->predictor);
    if (outcome != STATUS_OK)
        return outcome;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&work->x, PREDICTOR_TILE * work->n_inputs, sizeof(double)},
                  {&work->d, work->n_outputs, sizeof(double)},
                  {&work->h, work->n_experts, sizeof(double)},
                  {&work->jacobian, work->n_outputs * work->n_inputs, sizeof(double)},
                  {&work->space, predictor_work_bytes(work->predictor, PREDICTOR_TILE), 1},
                  {&work->one, predictor_jacobian_bytes(work->predictor), 1}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the summary");
    return outcome;
}

/* Sample i of a tile, which is sample `at` of the batch. */
static void add_sample(struct fit_work *work, const struct batch *batch,
                       const struct predicted *tile, size_t i, size_t at, double *sums)
{
    size_t experts = work->n_experts, width = work->n_outputs * work->n_inputs;
    double weight = (double)batch->weight[at];
    double *g = sums + PROPORTIONS_AT, *h = g + experts, *effect = h + experts;
    for (size_t k = 0; k < work->n_outputs; k++)
        work->d[k] = (double)batch->d[k * batch->stride + at];
    double density = predictor_log_density(work->predictor, tile, i, work->d, work->h);
    sums[WEIGHT_AT] += weight;
    sums[DENSITY_AT] += weight * density;
    for (size_t e = 0; e < experts; e++) {
        double share = work->h[e];
        g[e] += weight * tile->g[e * tile->stride + i];
        h[e] += weight * share;
        sums[ENTROPY_AT] -= share > 0 ? weight * share * log(share) : 0;
    }
    predictor_jacobian_scaled(work->predictor, work->x + i * work->n_inputs, work->one,
                              work->jacobian);
    for (size_t j = 0; j < width; j++)
        effect[j] += weight * work->jacobian[j];
}

static void add_batch(const struct batch *batch, void *context, double *sums)
{
    struct fit_work *work = context;
    size_t inputs = work->n_inputs;
    for (size_t at = 0; at < batch->n; at += PREDICTOR_TILE) {
        size_t n = batch->n - at < PREDICTOR_TILE ? batch->n - at : PREDICTOR_TILE;
        struct predicted tile;
        for (size_t i = 0; i < n * inputs; i++)
            work->x[i] = (double)batch->inputs.x[at * inputs + i];
        predictor_compute_scaled(work->predictor, n, work->x, work->space, &tile);
        for (size_t i = 0; i < n; i++)
            add_sample(work, batch, &tile, i, at + i, sums);
    }
}

static void order_experts(struct fit *fit)
{
    for (size_t e = 0; e < fit->n_experts; e++) {
        size_t place = e;
        for (; place > 0 && fit->h[fit->order[place - 1]] < fit->h[e]; place--)
            fit->order[place] = fit->order[place - 1];
        fit->order[place] = e;
    }
}

/* Root. Means from sums, and the units of the data. */
static void finish(struct fit *fit, const struct loaded_model *loaded)
{
    const struct model_config *config = &loaded->problem.model;
    const struct scaler *scaler = &loaded->record.scaler;
    bool is_likelihood = config->error == ERROR_MIXTURE;
    bool is_scaled = scaler->n_targets == fit->n_outputs;
    double log_scale = 0;
    for (size_t k = 0; k < scaler->n_targets; k++)
        log_scale += log(scaler->y_scale[k]);
    fit->n = fit->sums[WEIGHT_AT];
    fit->parameters = (double)model_n_free_parameters(config);
    fit->log_likelihood = is_likelihood ? fit->sums[DENSITY_AT] - fit->n * log_scale : NAN;
    fit->entropy = is_likelihood ? fit->sums[ENTROPY_AT] : NAN;
    fit->aic = -2 * fit->log_likelihood + 2 * fit->parameters;
    fit->bic = -2 * fit->log_likelihood + fit->parameters * log(fit->n);
    fit->icl = fit->bic + 2 * fit->entropy;
    for (size_t e = 0; e < fit->n_experts; e++) {
        fit->g[e] /= fit->n;
        fit->h[e] /= fit->n;
    }
    for (size_t k = 0; k < fit->n_outputs; k++)
        for (size_t j = 0; j < fit->n_inputs; j++)
            fit->effect[k * fit->n_inputs + j] *=
                (is_scaled ? scaler->y_scale[k] : 1) / (scaler->x_scale[j] * fit->n);
    order_experts(fit);
}

status fit_measure(struct fit *fit, const struct communicator *comm,
                   const struct loaded_model *loaded, const struct snapshot *snapshot,
                   struct sample_groups *groups)
{
    const struct model_config *config = &loaded->problem.model;
    struct fit_work work;
    memset(fit, 0, sizeof *fit);
    fit->n_experts = config->n_experts;
    fit->n_outputs = config->n_outputs;
    fit->n_inputs = config->n_inputs;
    size_t n_sums = PROPORTIONS_AT + 2 * fit->n_experts + fit->n_outputs * fit->n_inputs;
    status outcome = work_init(&work, snapshot);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = memory_alloc(&fit->sums, n_sums, sizeof(double), "the summary");
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = memory_alloc(&fit->order, fit->n_experts, sizeof(size_t), "the summary");
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = sample_groups_sum(groups, n_sums, add_batch, &work, fit->sums);
    if (outcome == STATUS_OK && comm->rank == 0) {
        fit->g = fit->sums + PROPORTIONS_AT;
        fit->h = fit->g + fit->n_experts;
        fit->effect = fit->h + fit->n_experts;
        finish(fit, loaded);
    }
    work_release(&work);
    return outcome;
}

void fit_release(struct fit *fit)
{
    memory_free(&fit->sums);
    memory_free(&fit->order);
}
