/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/snapshot_gather.h"

#include <string.h>

static size_t gate_reals(const struct model *model)
{
    return parameters_stride(&model->gate_shape);
}

static size_t expert_reals(const struct model *model)
{
    return parameters_stride(&model->expert_shape);
}

status snapshot_init(struct snapshot *snapshot, const struct model *model,
                     const struct communicator *comm, enum optimizer_kind optimizer, bool has_best)
{
    status outcome = STATUS_OK;
    struct model_shape shape = model_shape(model);
    snapshot_describe(snapshot, &shape, optimizer, has_best);
    if (comm->rank == 0)
        outcome = snapshot_init_at_root(snapshot, &shape, optimizer, has_best);
    return communicator_agree(comm, outcome);
}

status snapshot_add_sums(struct snapshot *snapshot, const struct communicator *comm, size_t width)
{
    status outcome = STATUS_OK;
    snapshot->n_sums = width;
    if (comm->rank == 0)
        outcome = snapshot_add_sums_at_root(snapshot, width);
    return communicator_agree(comm, outcome);
}

void snapshot_gather(const struct model *model, const struct communicator *comm,
                     const struct local_networks *local, struct networks *all)
{
    if (model->has_gate)
        memcpy(all->gate, local->gate, gate_reals(model) * sizeof(real));
    communicator_gather_rows(comm, &model->shard, expert_reals(model) * sizeof(real),
                             local->experts, all ? all->experts : NULL);
    communicator_gather_rows(comm, &model->shard, sizeof(struct dispersion), local->dispersion,
                             all ? all->dispersion : NULL);
}

void snapshot_scatter(const struct model *model, const struct communicator *comm,
                      const struct networks *all, struct local_networks *local)
{
    if (model->has_gate)
        memcpy(local->gate, all->gate, gate_reals(model) * sizeof(real));
    communicator_scatter_rows(comm, &model->shard, expert_reals(model) * sizeof(real),
                              all ? all->experts : NULL, local->experts);
    communicator_scatter_rows(comm, &model->shard, sizeof(struct dispersion),
                              all ? all->dispersion : NULL, local->dispersion);
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
    for (size_t e = 0; e < model->config.n_experts; e++) {
        const real *slots = all->experts + e * stride + model->expert_shape.extent;
        all->dispersion[e] =
            (struct dispersion){(double)slots[BY_VARIANCE], (double)slots[BY_FREEDOM]};
    }
}

void snapshot_scatter_slot(const struct model *model, const struct communicator *comm,
                           const struct networks *all, struct optimizer *gate,
                           struct optimizer *experts, int slot)
{
    size_t stride = expert_reals(model);
    if (model->has_gate) {
        memcpy(gate->slot[slot], all->gate, gate_reals(model) * sizeof(real));
        for (size_t e = 0; e < model->config.n_experts; e++) {
            real *slots = all->experts + e * stride + model->expert_shape.extent;
            slots[BY_VARIANCE] = (real)all->dispersion[e].variance;
            slots[BY_FREEDOM] = (real)all->dispersion[e].freedom;
        }
    }
    communicator_scatter_rows(comm, &model->shard, stride * sizeof(real), all->experts,
                              experts->slot[slot]);
}
