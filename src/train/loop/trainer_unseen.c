/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The variance of experts of a committee, from the samples that their member has not learned from:
 * on those that it has learned from it would come out too small, the more so the fewer they are.
 */
#include "trainer_unseen.h"

#include "base/memory.h"
#include "trainer_internal.h"

#include <math.h>

/* The errors of all experts count as this many samples beside the expert's own. */
static const double samples_of_all = 20;

/* Of each expert, sums over the unseen samples: shares h, and h q. */
enum { SHARE, SQUARE, N_SUMS };

status trainer_allocate_unseen(struct trainer *trainer)
{
    const struct model *model = trainer->model;
    if (!trainer->config->variance_is_unseen)
        return STATUS_OK;
    status outcome = memory_alloc(&trainer->unseen, model->experts.n_local * N_SUMS, sizeof(double),
                                  "errors of experts");
    if (outcome == STATUS_OK && model->has_gate)
        outcome = memory_alloc(&trainer->all_unseen, model->config.n_experts * N_SUMS,
                               sizeof(double), "errors of experts");
    return outcome;
}

void trainer_release_unseen(struct trainer *trainer)
{
    memory_free(&trainer->unseen);
    memory_free(&trainer->all_unseen);
}

void trainer_clear_unseen(struct trainer *trainer)
{
    for (size_t i = 0; trainer->unseen && i < trainer->model->experts.n_local * N_SUMS; i++)
        trainer->unseen[i] = 0;
}

void trainer_add_unseen(struct trainer *trainer)
{
    const struct step *step = &trainer->step;
    const struct experts *experts = &trainer->model->experts;
    size_t stride = step->batch.stride;
    if (!trainer->unseen || !step->batch.is_unseen)
        return;
    for (size_t k = 0; k < experts->n_local; k++) {
        const real *h = step->own_weights + k * stride, *q = experts->square + k * stride;
        double *sum = trainer->unseen + k * N_SUMS;
        for (size_t i = 0; i < stride; i++) {
            sum[SHARE] += (double)h[i];
            sum[SQUARE] += (double)h[i] * (double)q[i];
        }
    }
}

/* Collective. The sums of all experts, added in their order at the root. */
static void add_up(struct trainer *trainer, double total[N_SUMS])
{
    const struct model *model = trainer->model;
    communicator_gather_rows(trainer->comm, &model->shard, N_SUMS * sizeof(double), trainer->unseen,
                             trainer->all_unseen);
    for (size_t e = 0; model->has_gate && e < model->config.n_experts; e++)
        for (int i = 0; i < N_SUMS; i++)
            total[i] += trainer->all_unseen[e * N_SUMS + (size_t)i];
    communicator_broadcast(trainer->comm, total, N_SUMS * sizeof *total);
}

void trainer_take_variance(struct trainer *trainer)
{
    struct experts *experts = &trainer->model->experts;
    const struct model_config *config = &trainer->model->config;
    double total[N_SUMS] = {0}, outputs = (double)config->n_outputs;
    if (!trainer->unseen)
        return;
    add_up(trainer, total);
    if (!(total[SHARE] > 0 && isfinite(total[SQUARE])))
        return;
    double mean = total[SQUARE] / total[SHARE];
    double prior = samples_of_all / (double)trainer->valid->shape.n * total[SHARE];
    for (size_t k = 0; k < experts->n_local; k++) {
        const double *sum = trainer->unseen + k * N_SUMS;
        double variance = (sum[SQUARE] + prior * mean) / (outputs * (sum[SHARE] + prior));
        experts->dispersion[k].variance = fmax(variance, config->variance_floor);
    }
}
