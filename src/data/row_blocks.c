#include "row_blocks.h"

#include "coterie/base/memory.h"

#include <string.h>

enum { VALUES_PER_BLOCK = 1 << 16 }; /* half a megabyte stays in the cache of a core */

status row_blocks_init(struct row_blocks *blocks, struct source *source, const uint64_t *rows,
                       size_t n_rows)
{
    const struct source_info *info = source_info(source);
    size_t width = info->n_inputs + info->n_targets;
    memset(blocks, 0, sizeof *blocks);
    blocks->source = source;
    blocks->rows = rows;
    blocks->n_rows = n_rows;
    blocks->per_block = width < VALUES_PER_BLOCK ? VALUES_PER_BLOCK / width : 1;
    if (blocks->per_block > info->n)
        blocks->per_block = info->n;
    status outcome =
        memory_alloc(&blocks->x, blocks->per_block, info->n_inputs * sizeof(double), "a block");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&blocks->y, blocks->per_block, info->n_targets * sizeof(double),
                               "a block");
    return outcome;
}

void row_blocks_release(struct row_blocks *blocks)
{
    memory_free(&blocks->x);
    memory_free(&blocks->y);
}

bool row_blocks_next(struct row_blocks *blocks, status *outcome)
{
    size_t begin = blocks->begin + blocks->n, end = begin;
    if (*outcome != STATUS_OK || begin == blocks->n_rows)
        return false;
    uint64_t first = blocks->rows[begin];
    while (end < blocks->n_rows && blocks->rows[end] - first < blocks->per_block)
        end++;
    blocks->begin = begin;
    blocks->n = end - begin;
    size_t span = (size_t)(blocks->rows[end - 1] - first) + 1;
    *outcome = source_read(blocks->source, (size_t)first, span, blocks->x, blocks->y);
    return *outcome == STATUS_OK;
}

static size_t place(const struct row_blocks *blocks, size_t i)
{
    return (size_t)(blocks->rows[blocks->begin + i] - blocks->rows[blocks->begin]);
}

const double *row_blocks_x(const struct row_blocks *blocks, size_t i)
{
    return blocks->x + place(blocks, i) * source_info(blocks->source)->n_inputs;
}

const double *row_blocks_y(const struct row_blocks *blocks, size_t i)
{
    return blocks->y + place(blocks, i) * source_info(blocks->source)->n_targets;
}
