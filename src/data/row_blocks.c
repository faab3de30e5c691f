#include "row_blocks.h"

#include "coterie/base/memory.h"
#include "source_internal.h"

#include <string.h>

enum { BYTES_PER_BLOCK = 1 << 18 }; /* stays in the cache of a core */

status row_blocks_init(struct row_blocks *blocks, struct source *source, enum row_numbers numbers,
                       const uint64_t *rows, size_t n_rows)
{
    const struct source_info *info = source_info(source);
    *blocks = (struct row_blocks){.source = source,
                                  .rows = rows,
                                  .n_rows = n_rows,
                                  .as_stored = numbers == ROWS_AS_STORED,
                                  .x_type = HDF5_F64,
                                  .y_type = HDF5_F64};
    status outcome = STATUS_OK;
    if (blocks->as_stored)
        outcome = source_stored(source, &blocks->x_type, &blocks->y_type);
    blocks->x_bytes = info->n_inputs * hdf5_number_size(blocks->x_type);
    blocks->y_bytes = info->n_targets * hdf5_number_size(blocks->y_type);
    size_t width = blocks->x_bytes + blocks->y_bytes;
    blocks->per_block = width < BYTES_PER_BLOCK ? BYTES_PER_BLOCK / width : 1;
    if (blocks->per_block > info->n)
        blocks->per_block = info->n;
    size_t x = (blocks->per_block * blocks->x_bytes + 63) / 64 * 64;
    if (outcome == STATUS_OK)
        outcome = source_room(source, x + blocks->per_block * blocks->y_bytes, &blocks->x);
    blocks->y = blocks->x + x;
    if (outcome == STATUS_OK && n_rows > 0)
        outcome = source_expect(source, (size_t)rows[0], (size_t)(rows[n_rows - 1] - rows[0]) + 1);
    return outcome;
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
    void *x = blocks->x, *y = blocks->y;
    *outcome = blocks->as_stored ? source_read_stored(blocks->source, (size_t)first, span, x, y)
                                 : source_read(blocks->source, (size_t)first, span, x, y);
    return *outcome == STATUS_OK;
}

static size_t place(const struct row_blocks *blocks, size_t i)
{
    return (size_t)(blocks->rows[blocks->begin + i] - blocks->rows[blocks->begin]);
}

const void *row_blocks_x(const struct row_blocks *blocks, size_t i)
{
    return blocks->x + place(blocks, i) * blocks->x_bytes;
}

const void *row_blocks_y(const struct row_blocks *blocks, size_t i)
{
    return blocks->y + place(blocks, i) * blocks->y_bytes;
}

size_t row_blocks_run(const struct row_blocks *blocks, size_t i)
{
    const uint64_t *row = blocks->rows + blocks->begin + i;
    size_t n = 1;
    while (i + n < blocks->n && row[n] == row[0] + n)
        n++;
    return n;
}
