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

status inputs_round(struct inputs *inputs, size_t max_stride)
{
    size_t width = inputs->n_inputs;
    status outcome = memory_alloc(&inputs->sample_pairs, max_stride / 2 * width, sizeof(bf16_pair),
                                  "the inputs of a step");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&inputs->unit_pairs, max_stride * bf16_pairs(width),
                               sizeof(bf16_pair), "the inputs of a step");
    return outcome;
}

void inputs_release(struct inputs *inputs)
{
    memory_free(&inputs->sample_pairs);
    memory_free(&inputs->unit_pairs);
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

/* coterie_d has other reals, and never comes here. */
static const float *floats(const real *values)
{
    COTERIE_ASSERT(sizeof(real) == sizeof(float));
    return (const void *)values;
}

void inputs_set(struct inputs *inputs, size_t stride)
{
    size_t width = inputs->n_inputs;
    bool is_rounded = inputs->sample_pairs != NULL;
    inputs->stride = stride;
    inputs->tile = inputs_tile(width, stride);
    for (size_t at = 0; at < stride; at += inputs->tile) {
        size_t n = stride - at < inputs->tile ? stride - at : inputs->tile;
        real *tile = inputs->tiles + (is_rounded ? 0 : at * width);
        transpose(n, width, inputs->x + at * width, width, tile, n);
        if (is_rounded)
            bf16_pair_rows(width, n, floats(tile), n, inputs->unit_pairs + at * bf16_pairs(width),
                           n);
    }
    if (is_rounded)
        bf16_pair_rows(stride, width, floats(inputs->x), width, inputs->sample_pairs, width);
}
