/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/model.h"

#include "base/memory.h"

#include <string.h>

status model_init(struct model *model, const struct model_config *config,
                  const struct communicator *comm, long on_root, size_t max_stride)
{
    struct shard shard;
    memset(model, 0, sizeof *model);
    status outcome =
        shard_init(&shard, config->n_experts, comm->size, on_root, model_gate_in_experts(config));
    outcome = communicator_agree(comm, outcome);
    return outcome == STATUS_OK ? model_init_dealt(model, config, comm, &shard, max_stride)
                                : outcome;
}

status model_init_dealt(struct model *model, const struct model_config *config,
                        const struct communicator *comm, const struct shard *shard,
                        size_t max_stride)
{
    memset(model, 0, sizeof *model);
    model->config = *config;
    model->shard = *shard;
    status outcome = model_config_check(config);
    if (outcome == STATUS_OK)
        outcome = model_shapes(config, &model->gate_shape, &model->expert_shape);
    if (outcome != STATUS_OK)
        return communicator_agree(comm, outcome);
    model->has_gate = comm->rank == 0;
    struct likelihood likelihood = {config->likelihood, config->output, config->n_outputs};
    const struct gate_config of_gate = model_gate_config(config);
    const struct dispersion_start start = model_dispersion(config);
    if (model->has_gate)
        outcome = gate_init(&model->gate, &of_gate, max_stride);
    if (outcome == STATUS_OK)
        outcome = experts_init(&model->experts, &model->expert_shape, &likelihood,
                               shard_first(&model->shard, comm->rank),
                               shard_count(&model->shard, comm->rank), &start, max_stride);
    return communicator_agree(comm, outcome);
}

struct model_shape model_shape(const struct model *model)
{
    return (struct model_shape){model->config, model->gate_shape, model->expert_shape};
}

void model_release(struct model *model)
{
    gate_release(&model->gate);
    experts_release(&model->experts);
}

void model_draw(struct model *model, uint64_t seed)
{
    if (model->has_gate)
        gate_draw(&model->gate, seed);
    experts_draw(&model->experts, seed, model->config.output_start);
    for (size_t k = 0; k < model->experts.n_local; k++)
        model->experts.dispersion[k] = model_dispersion(&model->config).at;
}

double model_bytes(const struct model_config *config, const struct shard *shard, int rank,
                   size_t max_stride, int n_optimizer_slots)
{
    const struct gate_config of_gate = model_gate_config(config);
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    double n_local = (double)shard_count(shard, rank), n_experts = (double)config->n_experts;
    double stride = (double)max_stride, outputs = (double)config->n_outputs;
    double copies = 3 + n_optimizer_slots; /* value, gradient, best, slots */
    double reals = n_local * (double)parameters_stride(&expert) * copies;
    reals += n_local * (double)mlp_memory(&expert, max_stride);
    reals += (n_local * (outputs + 4) + 3 * outputs + (double)config->n_inputs + 4) * stride;
    double bytes = (outputs + 1) * stride * sizeof(int64_t);
    if (rank == 0) {
        reals += (double)parameters_stride(&gate) * copies;
        bytes += gate_bytes(&of_gate, &gate, max_stride);
        reals += 6 * n_experts * stride;
        /* A checkpoint is gathered to the root before it is written. */
        reals += n_experts * (double)parameters_stride(&expert) * (copies - 1);
    }
    return bytes + reals * sizeof(real);
}
