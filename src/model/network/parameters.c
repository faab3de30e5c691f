/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/network/parameters.h"

#include "base/memory.h"

#include <string.h>

size_t parameters_stride(const struct mlp *shape)
{
    return shape->extent + REALS_PER_LINE;
}

status parameters_init(struct parameters *parameters, const struct mlp *shape, size_t n_networks)
{
    memset(parameters, 0, sizeof *parameters);
    parameters->shape = shape;
    parameters->n_networks = n_networks;
    parameters->stride = parameters->gradient_stride = parameters_stride(shape);
    parameters->log_variance_at = shape->extent;
    size_t count = n_networks * parameters->stride;
    status outcome = memory_alloc(&parameters->value, count, sizeof(real), "parameters");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&parameters->gradient, count, sizeof(real), "gradients");
    return outcome;
}

void parameters_release(struct parameters *parameters)
{
    memory_free(&parameters->value);
    memory_free(&parameters->gradient);
}
