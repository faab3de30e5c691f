/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_blocks.h"

#include "base/memory.h"

size_t source_block_rows(size_t width)
{
    enum { VALUES = 1 << 17 };
    return width <= 1 ? VALUES : width < VALUES ? VALUES / width : 1;
}

status source_blocks_init(struct source_blocks *blocks, struct source *source, bool only_targets)
{
    const struct source_info *info = source_info(source);
    size_t n_inputs = only_targets ? 0 : info->n_inputs;
    *blocks = (struct source_blocks){.source = source};
    blocks->most = source_block_rows(n_inputs + info->n_targets);
    if (blocks->most > info->n)
        blocks->most = info->n;
    status outcome = STATUS_OK;
    if (!only_targets)
        outcome =
            memory_alloc(&blocks->x, blocks->most * n_inputs, sizeof(double), "a block of inputs");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&blocks->y, blocks->most * info->n_targets, sizeof(double),
                               "a block of targets");
    return outcome;
}

void source_blocks_release(struct source_blocks *blocks)
{
    memory_free(&blocks->x);
    memory_free(&blocks->y);
}

status source_blocks_next(struct source_blocks *blocks)
{
    size_t n_samples = source_info(blocks->source)->n;
    blocks->first += blocks->n;
    size_t left = n_samples - blocks->first;
    blocks->n = left < blocks->most ? left : blocks->most;
    if (blocks->n == 0)
        return STATUS_OK;
    return source_read(blocks->source, blocks->first, blocks->n, blocks->x, blocks->y);
}

status source_visit(struct source *source, bool only_targets, source_visitor *visit, void *context)
{
    const struct source_info *info = source_info(source);
    struct source_blocks blocks;
    status outcome = source_blocks_init(&blocks, source, only_targets);
    while (outcome == STATUS_OK) {
        outcome = source_blocks_next(&blocks);
        if (outcome != STATUS_OK || blocks.n == 0)
            break;
        for (size_t i = 0; i < blocks.n; i++)
            visit(context, blocks.first + i, blocks.x ? blocks.x + i * info->n_inputs : NULL,
                  blocks.y + i * info->n_targets);
    }
    source_blocks_release(&blocks);
    return outcome;
}
