/* SPDX-License-Identifier: BSD-3-Clause */
#include "step_ahead.h"
#include "step_forward.h"

#include "base/memory.h"
#include "base/profile.h"

/*
 * What is computed ahead has left the cache by the time it is used, which cost 6 % in a small model
 * on two ranks. So the wait must be worth it: a hundredth of a rank's experts.
 */
bool step_ahead_pays(double posterior_in_experts, size_t on_root, size_t most)
{
    return most > on_root && posterior_in_experts > 0.01 * (double)most;
}

bool step_looks_ahead(const struct model_config *config, const struct shard *shard, size_t n,
                      size_t micro_batch)
{
    size_t most = 0;
    if (n <= micro_batch || model_is_routed(config) || !gate_kind_of(config->gate)->is_network)
        return false;
    for (int r = 1; r < shard->n_ranks; r++)
        most = shard_count(shard, r) > most ? shard_count(shard, r) : most;
    return step_ahead_pays(model_posterior_in_experts(config), shard_count(shard, 0), most);
}

/* Sizes of the buffers, in reals, in the order in which swap_buffers has them. */
enum { N_BUFFERS = 9 };

static void buffer_sizes(const struct model_config *config, const struct mlp *gate,
                         const struct mlp *expert, size_t n_local, bool at_root, size_t stride,
                         size_t size[N_BUFFERS])
{
    size_t block = at_root ? config->n_experts * stride : 0;
    const size_t sizes[N_BUFFERS] = {n_local * mlp_memory(expert, stride),
                                     n_local * config->n_outputs * stride,
                                     n_local * stride,
                                     n_local * stride,
                                     at_root ? mlp_memory(gate, stride) : 0,
                                     block,
                                     block,
                                     block,
                                     at_root ? gate_levels_n_branches(&config->gate_levels) * stride
                                             : 0};
    for (int i = 0; i < N_BUFFERS; i++)
        size[i] = sizes[i];
}

double step_ahead_bytes(const struct model_config *config, const struct shard *shard, int rank,
                        size_t max_stride)
{
    struct mlp gate, expert;
    size_t size[N_BUFFERS];
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    buffer_sizes(config, &gate, &expert, shard_count(shard, rank), rank == 0, max_stride, size);
    double reals = (double)((2 * config->n_inputs + config->n_outputs + 2) * max_stride);
    for (int i = 0; i < N_BUFFERS; i++)
        reals += (double)size[i];
    return reals * sizeof(real);
}

status step_look_ahead(struct step *step)
{
    const struct model *model = step->model;
    struct step_ahead *ahead = &step->ahead;
    size_t size[N_BUFFERS], stride = step->batch.max_stride;
    buffer_sizes(&model->config, &model->gate_shape, &model->expert_shape, model->experts.n_local,
                 model->has_gate, stride, size);
    status outcome =
        batch_init(&ahead->batch, model->config.n_inputs, model->config.n_outputs, stride);
    if (outcome == STATUS_OK && model->config.is_bf16)
        outcome = inputs_round(&ahead->batch.inputs, stride);
    for (int i = 0; i < N_BUFFERS && outcome == STATUS_OK; i++)
        outcome = memory_alloc(&ahead->buffer[i], size[i], sizeof(real), "the next micro-batch");
    ahead->is_on = true;
    return communicator_agree(step->comm, outcome);
}

void step_ahead_release(struct step *step)
{
    batch_release(&step->ahead.batch);
    for (int i = 0; i < N_BUFFERS; i++)
        memory_free(&step->ahead.buffer[i]);
}

static void swap_plans(struct mlp_plan *a, struct mlp_plan *b)
{
    struct mlp_plan plan = *a;
    *a = *b;
    *b = plan;
}

/* The micro-batch that is looked ahead to becomes the present one, and the other way round. */
static void swap_micro_batches(struct step *step)
{
    struct step_ahead *ahead = &step->ahead;
    struct experts *experts = &step->model->experts;
    struct gate *gate = &step->model->gate;
    real **const present[N_BUFFERS] = {&experts->memory, &experts->o,    &experts->loglik,
                                       &experts->square, &gate->memory,  &gate->log_g,
                                       &gate->g,         &gate->d_logit, &gate->branch_p};
    struct batch batch = step->batch;
    step->batch = ahead->batch;
    ahead->batch = batch;
    swap_plans(&experts->plan, &ahead->experts_plan);
    swap_plans(&gate->plan, &ahead->gate_plan);
    for (int i = 0; i < N_BUFFERS; i++) {
        real *buffer = *present[i];
        *present[i] = ahead->buffer[i];
        ahead->buffer[i] = buffer;
    }
}

static void load(struct step *step, const struct sample_run *samples, size_t at, size_t size)
{
    size_t left = samples->n - at;
    profile_enter(PHASE_DATA);
    batch_load(&step->batch, samples->dataset, samples->rows ? samples->rows + at : NULL,
               samples->first + at, left < size ? left : size, samples->total);
}

void step_load(struct step *step, const struct sample_run *samples, size_t at, size_t size)
{
    struct step_ahead *ahead = &step->ahead;
    if (ahead->is_ready)
        swap_micro_batches(step);
    else
        load(step, samples, at, size);
    ahead->has_next = ahead->is_on && at + size < samples->n;
    ahead->samples = *samples;
    ahead->at = at + size;
    ahead->size = size;
}

void step_ahead_compute(struct step *step)
{
    struct step_ahead *ahead = &step->ahead;
    if (!ahead->has_next)
        return;
    swap_micro_batches(step);
    load(step, &ahead->samples, ahead->at, ahead->size);
    step_forward_alone(step);
    swap_micro_batches(step);
    ahead->has_next = false;
    ahead->is_ready = true;
}
