/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_MLP_BF16_H
#define COTERIE_MODEL_MLP_BF16_H

#include "model/network/mlp.h"

/*
 * The passes of mlp.h with products of bf16 numbers: weights, inputs, activations and deltas are
 * rounded where they become operands, and what comes of a product is float. Only in coterie, where
 * `real` is float. Local.
 */
enum { MLP_HAS_BF16 = sizeof(real) == sizeof(float) };

size_t mlp_bf16_scratch(const struct mlp *mlp, size_t stride);

void mlp_bf16_forward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                      const struct inputs *x, real *memory, real *scratch, real *z);

/* Without the biases of the last layer. */
void mlp_bf16_backward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                       const struct inputs *x, const real *memory, const real *d_z, real keep,
                       real *scratch, real *gradient);

#endif
