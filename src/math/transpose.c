#include "coterie/math/transpose.h"

/* Squares of this many rows and columns stay in the first-level cache, read and written. */
enum { BLOCK = 32 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Writes whole rows of `to`; what it reads beside them is in the cache the next time. */
static void transpose_block(size_t rows, size_t columns, const real *restrict from, size_t ld_from,
                            real *restrict to, size_t ld_to)
{
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < rows; i++)
            to[j * ld_to + i] = from[i * ld_from + j];
}

void transpose(size_t rows, size_t columns, const real *from, size_t ld_from, real *to,
               size_t ld_to)
{
    for (size_t i = 0; i < rows; i += BLOCK)
        for (size_t j = 0; j < columns; j += BLOCK)
            transpose_block(least(rows - i, BLOCK), least(columns - j, BLOCK),
                            from + i * ld_from + j, ld_from, to + j * ld_to + i, ld_to);
}

void transpose_add(size_t rows, size_t columns, const real *from, size_t ld_from, real *to,
                   size_t ld_to)
{
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < rows; i++)
            to[j * ld_to + i] += from[i * ld_from + j];
}
