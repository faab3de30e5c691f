/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/shared_networks.h"

#include "model/network/parameters.h"

#include <string.h>

status shared_networks(const struct communicator *comm, const struct loaded_model *loaded,
                       struct snapshot *snapshot)
{
    const struct model_config *config = &loaded->problem.model;
    struct model_shape shape = {.config = *config};
    struct networks *all = &snapshot->current;
    memset(snapshot, 0, sizeof *snapshot);
    status outcome = model_shapes(config, &shape.gate, &shape.expert);
    if (outcome == STATUS_OK)
        outcome = snapshot_init_at_root(snapshot, &shape, OPTIMIZER_GD, false);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = checkpoint_read_networks(loaded->file, &shape, false, all);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK) {
        size_t experts = config->n_experts * parameters_stride(&shape.expert);
        communicator_broadcast(comm, all->gate, parameters_stride(&shape.gate) * sizeof(real));
        communicator_broadcast(comm, all->experts, experts * sizeof(real));
        communicator_broadcast(comm, all->dispersion,
                               config->n_experts * sizeof(struct dispersion));
    }
    return outcome;
}
