/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_MLP_TILES_H
#define COTERIE_MODEL_MLP_TILES_H

#include "model/network/mlp.h"

/* Where a network's memory has what a tile of samples leaves there for backward. Local. */

/* Hidden layer l keeps a, and z before it where the derivative needs it. */
static inline size_t layer_memory(const struct mlp *mlp, int l, size_t stride)
{
    return mlp->width[l + 1] * stride * (activation_keeps_z(mlp->hidden_activation) ? 2 : 1);
}

/* Where z and a of a hidden layer's tile begin. */
struct hidden_tile {
    size_t z, a;
};

static inline struct hidden_tile hidden_tile(const struct mlp *mlp, int l, size_t stride, size_t at)
{
    size_t units = mlp->width[l + 1], z = at * units;
    for (int before = 0; before < l; before++)
        z += layer_memory(mlp, before, stride);
    size_t a = activation_keeps_z(mlp->hidden_activation) ? z + units * stride : z;
    return (struct hidden_tile){z, a};
}

/* Samples of the tile that begins at `at`. */
static inline size_t tile_width(const struct mlp_plan *plan, size_t at)
{
    return plan->stride - at < plan->tile ? plan->stride - at : plan->tile;
}

#endif
