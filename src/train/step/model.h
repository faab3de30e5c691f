/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_MODEL_H
#define COTERIE_TRAIN_MODEL_H

#include "base/status.h"
#include "comm/communicator.h"
#include "comm/shard.h"
#include "model/experts.h"
#include "model/gate/gate.h"
#include "model/model_config.h"
#include "model/objective.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A mixture of local experts, distributed: the gate on rank 0, each rank its shard of experts. */
struct model {
    struct model_config config;
    struct mlp gate_shape, expert_shape; /* of a gate without a network only the size counts */
    struct shard shard;
    bool has_gate; /* on rank 0 */
    struct gate gate;
    struct experts experts;
};

/* Local. The shapes of a model that is there. */
struct model_shape model_shape(const struct model *model);

/* Collective. on_root as in shard_init. Parameters are zero. */
status model_init(struct model *model, const struct model_config *config,
                  const struct communicator *comm, long on_root, size_t max_stride);
/* Collective. The same, with the experts dealt as `shard` says. */
status model_init_dealt(struct model *model, const struct model_config *config,
                        const struct communicator *comm, const struct shard *shard,
                        size_t max_stride);
void model_release(struct model *model);

/* Local. Initial parameters from the seed, the same for any number of ranks. */
void model_draw(struct model *model, uint64_t seed);

/* Local. Bytes that rank `rank` of this shard needs for parameters and work space. */
double model_bytes(const struct model_config *config, const struct shard *shard, int rank,
                   size_t max_stride, int n_optimizer_slots);

#endif
