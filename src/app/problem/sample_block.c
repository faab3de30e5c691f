/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/problem/sample_block.h"

#include "base/memory.h"

size_t sample_block_rows(size_t width)
{
    enum { VALUES = 1 << 17 };
    return width <= 1 ? VALUES : width < VALUES ? VALUES / width : 1;
}

status sample_block_init(struct sample_block *block, struct source *source)
{
    const struct source_info *info = source_info(source);
    *block = (struct sample_block){.source = source};
    block->most = sample_block_rows(info->n_inputs + info->n_targets);
    if (block->most > info->n)
        block->most = info->n;
    status outcome =
        memory_alloc(&block->x, block->most * info->n_inputs, sizeof(double), "a block of inputs");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&block->y, block->most * info->n_targets, sizeof(double),
                               "a block of targets");
    return outcome;
}

void sample_block_release(struct sample_block *block)
{
    memory_free(&block->x);
    memory_free(&block->y);
}

status sample_block_next(struct sample_block *block)
{
    size_t n_samples = source_info(block->source)->n;
    block->first += block->n;
    size_t left = n_samples - block->first;
    block->n = left < block->most ? left : block->most;
    if (block->n == 0)
        return STATUS_OK;
    return source_read(block->source, block->first, block->n, block->x, block->y);
}
