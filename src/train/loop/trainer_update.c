/* SPDX-License-Identifier: BSD-3-Clause */
/* From the gradient to the next parameters. */
#include "trainer_internal.h"

#include "base/profile.h"

#include <math.h>

static double squared_norm(const real *gradient, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)gradient[i] * (double)gradient[i];
    return sum;
}

/*
 * The factor that brings the norm of the whole gradient down to --clip. Each expert's squared norm
 * is one number; the root adds the gate's and then the experts' in their order.
 */
static double clip_factor(struct trainer *trainer)
{
    struct model *model = trainer->model;
    const struct parameters *experts = &model->experts.parameters;
    double factor = 1;
    for (size_t k = 0; k < model->experts.n_local; k++)
        trainer->norms[k] = squared_norm(parameters_gradient_of(experts, k), experts->stride);
    profile_enter(PHASE_EXCHANGE);
    communicator_gather_rows(&trainer->replicas->group, &model->shard, sizeof(double),
                             trainer->norms, trainer->all_norms);
    if (model->has_gate) {
        double sum = squared_norm(model->gate.parameters.gradient, model->gate.parameters.stride);
        for (size_t e = 0; e < model->config.n_experts; e++)
            sum += trainer->all_norms[e];
        double norm = sqrt(sum);
        if (norm > trainer->config->clip)
            factor = trainer->config->clip / norm;
    }
    communicator_broadcast(&trainer->replicas->group, &factor, sizeof factor);
    profile_enter(PHASE_UPDATE);
    return factor;
}

double trainer_learning_rate(const struct trainer *trainer)
{
    const struct trainer_config *config = trainer->config;
    return config->learning_rate * trainer->progress.learning_rate_factor *
           schedule_factor(&config->schedule, (uint64_t)trainer->progress.epoch,
                           (uint64_t)config->epochs);
}

bool trainer_updates_early(const struct trainer *trainer)
{
    /* A full batch decides, records and saves between the gradient and the update. */
    return trainer->sampler.n_batches > 1 && trainer->config->clip == 0 &&
           trainer->replicas->n == 1 && !trainer->em;
}

void trainer_follow_gradient(struct trainer *trainer)
{
    struct model *model = trainer->model;
    double rate = trainer_learning_rate(trainer);
    double factor = trainer->config->clip > 0 ? clip_factor(trainer) : 1;
    uint64_t step = (uint64_t)trainer->progress.step + 1;
    if (model->has_gate)
        optimizer_update(&trainer->gate_optimizer, &model->gate.parameters, rate, factor, step);
    if (!trainer_updates_early(trainer))
        optimizer_update(&trainer->expert_optimizer, &model->experts.parameters, rate, factor,
                         step);
    experts_move_dispersion(&model->experts, model->config.variance_floor);
}
