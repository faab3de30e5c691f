/* SPDX-License-Identifier: BSD-3-Clause */
#include "row_blocks.h"

#include "base/memory.h"

#include <string.h>

enum { BYTES_PER_BLOCK = 1 << 18 }; /* stays in the cache of a core */

/* A chunk of the file is one block or some; or a block some chunks. */
static size_t choose_length(size_t most, size_t chunk)
{
    if (chunk <= most)
        return most;
    size_t n_blocks = (chunk + most - 1) / most;
    return (chunk + n_blocks - 1) / n_blocks;
}

status row_blocks_init(struct row_blocks *blocks, struct source *source, const uint64_t *rows,
                       size_t first, size_t n_rows)
{
    const struct source_info *info = source_info(source);
    struct source_numbers stored;
    status outcome = source_stored(source, &stored);
    *blocks = (struct row_blocks){.source = source,
                                  .rows = rows ? rows + first : NULL,
                                  .first = first,
                                  .n_rows = n_rows,
                                  .together = stored.rows_together,
                                  .x_type = stored.x,
                                  .y_type = stored.y};
    blocks->x_bytes = info->n_inputs * hdf5_number_size(blocks->x_type);
    blocks->y_bytes = info->n_targets * hdf5_number_size(blocks->y_type);
    size_t width = blocks->x_bytes + blocks->y_bytes;
    blocks->per_block =
        choose_length(width < BYTES_PER_BLOCK ? BYTES_PER_BLOCK / width : 1, blocks->together);
    if (blocks->per_block > info->n)
        blocks->per_block = info->n;
    size_t x = (blocks->per_block * blocks->x_bytes + 63) / 64 * 64;
    unsigned char *room = NULL;
    if (outcome == STATUS_OK)
        outcome = source_room(source, x + blocks->per_block * blocks->y_bytes, &room);
    if (outcome == STATUS_OK) {
        blocks->view.x_room = room;
        blocks->view.y_room = room + x;
    }
    if (outcome != STATUS_OK || n_rows == 0)
        return outcome;
    size_t begin = row_blocks_row(blocks, 0);
    return source_expect(source, begin, row_blocks_row(blocks, n_rows - 1) - begin + 1);
}

/* Where a block that begins with row `first` of the file ends at the latest. */
static size_t latest_end(const struct row_blocks *blocks, size_t first)
{
    size_t end = first + blocks->per_block;
    if (blocks->together < 2)
        return end;
    size_t boundary = end - end % blocks->together;
    return boundary > first ? boundary : end;
}

bool row_blocks_next(struct row_blocks *blocks, status *outcome)
{
    size_t begin = blocks->begin + blocks->n, end = begin;
    if (*outcome != STATUS_OK || begin == blocks->n_rows)
        return false;
    size_t first = row_blocks_row(blocks, begin), latest = latest_end(blocks, first);
    while (end < blocks->n_rows && row_blocks_row(blocks, end) < latest)
        end++;
    blocks->begin = begin;
    blocks->n = end - begin;
    size_t span = row_blocks_row(blocks, end - 1) - first + 1;
    *outcome = source_view(blocks->source, first, span, &blocks->view);
    return *outcome == STATUS_OK;
}

static size_t place(const struct row_blocks *blocks, size_t i)
{
    return row_blocks_row(blocks, blocks->begin + i) - row_blocks_row(blocks, blocks->begin);
}

const void *row_blocks_x(const struct row_blocks *blocks, size_t i)
{
    return (const unsigned char *)blocks->view.x + place(blocks, i) * blocks->x_bytes;
}

const void *row_blocks_y(const struct row_blocks *blocks, size_t i)
{
    return (const unsigned char *)blocks->view.y + place(blocks, i) * blocks->y_bytes;
}

size_t row_blocks_run(const struct row_blocks *blocks, size_t i)
{
    if (!blocks->rows)
        return blocks->n - i;
    const uint64_t *row = blocks->rows + blocks->begin + i;
    size_t n = 1;
    while (i + n < blocks->n && row[n] == row[0] + n)
        n++;
    return n;
}
