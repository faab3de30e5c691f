/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/network/mlp.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

status mlp_init(struct mlp *mlp, size_t n_inputs, const size_t *hidden, size_t n_hidden,
                size_t n_outputs, enum activation hidden_activation)
{
    memset(mlp, 0, sizeof *mlp);
    if (n_hidden > MLP_MAX_HIDDEN)
        return status_set(STATUS_USAGE, "%zu hidden layers are more than the %d that are possible",
                          n_hidden, MLP_MAX_HIDDEN);
    mlp->n_layers = (int)n_hidden + 1;
    mlp->hidden_activation = hidden_activation;
    mlp->width[0] = n_inputs;
    for (size_t l = 0; l < n_hidden; l++)
        mlp->width[l + 1] = hidden[l];
    mlp->width[mlp->n_layers] = n_outputs;
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        if (in == 0 || out == 0)
            return status_set(STATUS_USAGE, "a layer with no units: every width must be 1 or more");
        mlp->weight_at[l] = mlp->extent;
        mlp->extent += real_padded(in * out);
        mlp->bias_at[l] = mlp->extent;
        mlp->extent += real_padded(out);
        mlp->n_parameters += in * out + out;
    }
    return STATUS_OK;
}

void mlp_restrict(struct mlp *mlp, const struct input_choice *seen)
{
    if (!seen)
        return;
    mlp->seen = *seen;
    mlp->n_parameters -= (mlp->width[0] - mlp_fan_in(mlp, 0)) * mlp->width[1];
}

size_t mlp_fan_in(const struct mlp *mlp, int l)
{
    return l == 0 ? input_choice_count(&mlp->seen, mlp->width[0]) : mlp->width[l];
}

void mlp_draw(const struct mlp *mlp, uint64_t seed, int purpose, uint32_t id, real *parameters)
{
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        double range = fmin(0.5, sqrt(3.0 / (double)mlp_fan_in(mlp, l)));
        struct rng rng;
        rng_init(&rng, seed, (enum rng_purpose)purpose, id, (uint32_t)l);
        for (size_t i = 0; i < in * out; i++)
            parameters[mlp->weight_at[l] + i] = (real)(range * (2 * rng_uniform(&rng) - 1));
        for (size_t i = 0; i < out; i++)
            parameters[mlp->bias_at[l] + i] = (real)(range * (2 * rng_uniform(&rng) - 1));
    }
    input_choice_clear(&mlp->seen, mlp->width[0], mlp->width[1], parameters + mlp->weight_at[0]);
    input_choice_place_offset(&mlp->seen, mlp->width[0], mlp->width[1],
                              parameters + mlp->weight_at[0]);
}

double mlp_flops(const struct mlp *mlp)
{
    double flops = 0;
    for (int l = 0; l < mlp->n_layers; l++)
        flops += (l == 0 ? 4.0 : 6.0) * (double)mlp->width[l] * (double)mlp->width[l + 1];
    return flops;
}
