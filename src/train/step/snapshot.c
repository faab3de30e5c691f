#include "train/step/snapshot.h"

#include "base/memory.h"

#include <string.h>

static size_t gate_reals(const struct model *model)
{
    return parameters_stride(&model->gate_shape);
}

static size_t expert_reals(const struct model *model)
{
    return parameters_stride(&model->expert_shape);
}

static status networks_init(struct networks *networks, const struct model *model)
{
    size_t n_experts = model->config.n_experts;
    status outcome = memory_alloc(&networks->gate, gate_reals(model), sizeof(real), "a checkpoint");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&networks->experts, n_experts * expert_reals(model), sizeof(real),
                               "a checkpoint");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&networks->variance, n_experts, sizeof(double), "a checkpoint");
    return outcome;
}

static void networks_release(struct networks *networks)
{
    memory_free(&networks->gate);
    memory_free(&networks->experts);
    memory_free(&networks->variance);
}

static void describe(struct snapshot *snapshot, const struct model *model,
                     enum optimizer_kind optimizer, bool has_best)
{
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->model = model;
    snapshot->optimizer = optimizer;
    snapshot->n_slots = optimizer_n_slots(optimizer);
    snapshot->has_best = has_best;
}

status snapshot_init_at_root(struct snapshot *snapshot, const struct model *model,
                             enum optimizer_kind optimizer, bool has_best)
{
    describe(snapshot, model, optimizer, has_best);
    status outcome = networks_init(&snapshot->current, model);
    if (outcome == STATUS_OK && has_best)
        outcome = networks_init(&snapshot->best, model);
    for (int s = 0; s < snapshot->n_slots && outcome == STATUS_OK; s++)
        outcome = networks_init(&snapshot->slot[s], model);
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&snapshot->use, model->config.n_experts, sizeof(double), "a checkpoint");
    return outcome;
}

status snapshot_init(struct snapshot *snapshot, const struct model *model,
                     const struct communicator *comm, enum optimizer_kind optimizer, bool has_best)
{
    status outcome = STATUS_OK;
    describe(snapshot, model, optimizer, has_best);
    if (comm->rank == 0)
        outcome = snapshot_init_at_root(snapshot, model, optimizer, has_best);
    return communicator_agree(comm, outcome);
}

status snapshot_add_sums_at_root(struct snapshot *snapshot, size_t width)
{
    snapshot->n_sums = width;
    return memory_alloc(&snapshot->sums, snapshot->model->config.n_experts * width, sizeof(double),
                        "a checkpoint");
}

status snapshot_add_sums(struct snapshot *snapshot, const struct communicator *comm, size_t width)
{
    status outcome = STATUS_OK;
    snapshot->n_sums = width;
    if (comm->rank == 0)
        outcome = snapshot_add_sums_at_root(snapshot, width);
    return communicator_agree(comm, outcome);
}

void snapshot_release(struct snapshot *snapshot)
{
    memory_free(&snapshot->sums);
    networks_release(&snapshot->current);
    networks_release(&snapshot->best);
    for (int s = 0; s < OPTIMIZER_MAX_SLOTS; s++)
        networks_release(&snapshot->slot[s]);
    memory_free(&snapshot->use);
    history_release(&snapshot->history);
}

void snapshot_gather(const struct model *model, const struct communicator *comm,
                     const struct local_networks *local, struct networks *all)
{
    if (model->has_gate)
        memcpy(all->gate, local->gate, gate_reals(model) * sizeof(real));
    communicator_gather_rows(comm, &model->shard, expert_reals(model) * sizeof(real),
                             local->experts, all ? all->experts : NULL);
    communicator_gather_rows(comm, &model->shard, sizeof(double), local->variance,
                             all ? all->variance : NULL);
}

void snapshot_scatter(const struct model *model, const struct communicator *comm,
                      const struct networks *all, struct local_networks *local)
{
    if (model->has_gate)
        memcpy(local->gate, all->gate, gate_reals(model) * sizeof(real));
    communicator_scatter_rows(comm, &model->shard, expert_reals(model) * sizeof(real),
                              all ? all->experts : NULL, local->experts);
    communicator_scatter_rows(comm, &model->shard, sizeof(double), all ? all->variance : NULL,
                              local->variance);
}

void snapshot_gather_slot(const struct model *model, const struct communicator *comm,
                          const struct optimizer *gate, const struct optimizer *experts, int slot,
                          struct networks *all)
{
    size_t stride = expert_reals(model);
    communicator_gather_rows(comm, &model->shard, stride * sizeof(real), experts->slot[slot],
                             all->experts);
    if (!model->has_gate)
        return;
    memcpy(all->gate, gate->slot[slot], gate_reals(model) * sizeof(real));
    for (size_t e = 0; e < model->config.n_experts; e++)
        all->variance[e] = (double)all->experts[e * stride + model->expert_shape.extent];
}

void snapshot_scatter_slot(const struct model *model, const struct communicator *comm,
                           const struct networks *all, struct optimizer *gate,
                           struct optimizer *experts, int slot)
{
    size_t stride = expert_reals(model);
    if (model->has_gate) {
        memcpy(gate->slot[slot], all->gate, gate_reals(model) * sizeof(real));
        for (size_t e = 0; e < model->config.n_experts; e++)
            all->experts[e * stride + model->expert_shape.extent] = (real)all->variance[e];
    }
    communicator_scatter_rows(comm, &model->shard, stride * sizeof(real), all->experts,
                              experts->slot[slot]);
}
