/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/network/inputs.h"

#include "base/memory.h"
#include "math/transpose.h"

#include <string.h>

status inputs_init(struct inputs *inputs, size_t n_inputs, size_t max_stride)
{
    memset(inputs, 0, sizeof *inputs);
    inputs->n_inputs = n_inputs;
    status outcome =
        memory_alloc(&inputs->x, max_stride * n_inputs, sizeof(real), "the inputs of a step");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&inputs->tiles, max_stride * n_inputs, sizeof(real),
                               "the inputs of a step");
    return outcome;
}

void inputs_release(struct inputs *inputs)
{
    memory_free(&inputs->x);
    memory_free(&inputs->tiles);
}

size_t inputs_tile(size_t n_inputs, size_t stride)
{
    const size_t least = 64, cache_bytes = 16384;
    size_t tile = cache_bytes / sizeof(real) / n_inputs / REALS_PER_LINE * REALS_PER_LINE;
    tile = tile < least ? least : tile;
    return tile < stride ? tile : stride;
}

void inputs_set(struct inputs *inputs, size_t stride)
{
    size_t width = inputs->n_inputs;
    inputs->stride = stride;
    inputs->tile = inputs_tile(width, stride);
    for (size_t at = 0; at < stride; at += inputs->tile) {
        size_t n = stride - at < inputs->tile ? stride - at : inputs->tile;
        transpose(n, width, inputs->x + at * width, width, inputs->tiles + at * width, n);
    }
}
