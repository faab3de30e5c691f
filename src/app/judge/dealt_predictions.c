/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/dealt_predictions.h"

#include "app/judge/shared_networks.h"
#include "base/memory.h"

#include <string.h>

/* The whole model on every rank, from the file that the root has open. */
static status share_model(struct dealt_predictions *dealt, const struct communicator *comm,
                          struct loaded_model *loaded)
{
    struct snapshot snapshot;
    status outcome = shared_networks(comm, loaded, &snapshot);
    if (outcome == STATUS_OK)
        outcome = predictor_create(&snapshot.shape, &snapshot.current, &dealt->predictor);
    snapshot_release(&snapshot);
    return communicator_agree(comm, outcome);
}

static void lay_out(struct dealt_predictions *dealt, const struct model_config *config)
{
    size_t outputs = config->n_outputs, experts = config->n_experts;
    dealt->at.y = 0;
    dealt->at.variance = outputs;
    dealt->at.g = 2 * outputs;
    dealt->at.h = dealt->at.g + experts;
    dealt->at.o = dealt->at.h + (dealt->has_h ? experts : 0);
    dealt->width = dealt->has_all ? dealt->at.o + (dealt->has_o ? experts * outputs : 0) : outputs;
}

static size_t share_of(size_t n, const struct communicator *comm)
{
    size_t ranks = (size_t)comm->size, share = (n + ranks - 1) / ranks;
    return (share + PREDICTOR_TILE - 1) / PREDICTOR_TILE * PREDICTOR_TILE;
}

status dealt_predictions_init(struct dealt_predictions *dealt, const struct communicator *comm,
                              struct loaded_model *loaded, bool has_all, bool has_h, bool has_o)
{
    const struct model_config *config = &loaded->problem.model;
    memset(dealt, 0, sizeof *dealt);
    dealt->has_all = has_all;
    dealt->has_h = has_h;
    dealt->has_o = has_o;
    dealt->share = share_of(loaded->micro_batch, comm);
    lay_out(dealt, config);
    status outcome = share_model(dealt, comm, loaded);
    if (outcome != STATUS_OK)
        return outcome;
    size_t gathered = comm->rank == 0 ? dealt->share * (size_t)comm->size : 0;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&dealt->values, gathered * dealt->width, sizeof(double)},
                  {&dealt->own, dealt->share * dealt->width, sizeof(double)},
                  {&dealt->rows, PREDICTOR_TILE * config->n_inputs, sizeof(double)},
                  {&dealt->target, config->n_outputs, sizeof(double)},
                  {&dealt->work, predictor_work_bytes(dealt->predictor, PREDICTOR_TILE), 1}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "predictions");
    dealt->dispersion = predictor_dispersion(dealt->predictor);
    return communicator_agree(comm, outcome);
}

void dealt_predictions_release(struct dealt_predictions *dealt)
{
    predictor_destroy(&dealt->predictor);
    memory_free(&dealt->values);
    memory_free(&dealt->own);
    memory_free(&dealt->rows);
    memory_free(&dealt->target);
    memory_free(&dealt->work);
}

/* The numbers of sample i of a tile, which is sample `at` of the micro-batch. */
static void put(struct dealt_predictions *dealt, const struct batch *batch,
                const struct predicted *tile, size_t i, size_t at, double *to)
{
    const struct model_config *config = predictor_config(dealt->predictor);
    size_t outputs = config->n_outputs, experts = config->n_experts, stride = tile->stride;
    for (size_t k = 0; k < outputs; k++)
        to[dealt->at.y + k] = tile->y[k * stride + i];
    if (!dealt->has_all)
        return;
    for (size_t k = 0; k < outputs; k++)
        to[dealt->at.variance + k] = tile->variance[k * stride + i];
    for (size_t e = 0; e < experts; e++)
        to[dealt->at.g + e] = tile->g[e * stride + i];
    for (size_t j = 0; dealt->has_o && j < experts * outputs; j++)
        to[dealt->at.o + j] = tile->o[j * stride + i];
    if (!dealt->has_h)
        return;
    for (size_t k = 0; k < outputs; k++)
        dealt->target[k] = (double)batch->d[k * batch->stride + at];
    predictor_log_density(dealt->predictor, tile, i, dealt->target, to + dealt->at.h);
}

static void compute_tile(struct dealt_predictions *dealt, const struct batch *batch, size_t first,
                         size_t n, double *to)
{
    size_t inputs = batch->inputs.n_inputs;
    const real *x = batch->inputs.x + first * inputs;
    struct predicted tile;
    for (size_t i = 0; i < n * inputs; i++)
        dealt->rows[i] = (double)x[i];
    predictor_compute_scaled(dealt->predictor, n, dealt->rows, dealt->work, &tile);
    if (dealt->has_all)
        predictor_variance(dealt->predictor, &tile);
    for (size_t i = 0; i < n; i++)
        put(dealt, batch, &tile, i, first + i, to + i * dealt->width);
}

void dealt_predictions_compute(struct dealt_predictions *dealt, const struct communicator *comm,
                               const struct batch *batch)
{
    size_t share = share_of(batch->n, comm), first = share * (size_t)comm->rank;
    for (size_t at = first; at < first + share && at < batch->n; at += PREDICTOR_TILE) {
        size_t n = batch->n - at < PREDICTOR_TILE ? batch->n - at : PREDICTOR_TILE;
        compute_tile(dealt, batch, at, n, dealt->own + (at - first) * dealt->width);
    }
    communicator_gather(comm, dealt->own, dealt->values, share * dealt->width * sizeof(double));
}
