/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/transpose.h"

/*
 * A square of LANES rows and columns is transposed in registers, halves of halves. Rows of FEW
 * numbers are taken apart; with more of them the compiler has no fast way.
 */
enum { LANES = 8, FEW = 4 };
typedef real reals __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real))));

/* Swaps the blocks off the diagonal in each square of two by two blocks of 1, 2 and 4 numbers. */
__attribute__((always_inline)) static inline void transpose_square(const real *from, size_t ld_from,
                                                                   reals row[LANES])
{
    reals a[LANES], b[LANES];
    for (int i = 0; i < LANES; i++)
        a[i] = *(const reals *)(from + (size_t)i * ld_from);
    for (int i = 0; i < LANES; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < LANES; i += i % 2 ? 3 : 1) {
        a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        a[i + 2] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < LANES / 2; i++) {
        row[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        row[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* Whole squares only. */
LEAF_KERNEL static void transpose_squares(size_t rows, size_t columns, const real *restrict from,
                                          size_t ld_from, int adds, real *restrict to, size_t ld_to)
{
    reals row[LANES];
    for (size_t i = 0; i + LANES <= rows; i += LANES)
        for (size_t j = 0; j + LANES <= columns; j += LANES) {
            transpose_square(from + i * ld_from + j, ld_from, row);
            for (size_t k = 0; k < LANES; k++) {
                reals *place = (reals *)(to + (j + k) * ld_to + i);
                *place = adds ? *place + row[k] : row[k];
            }
        }
}

/*
 * Rows of few numbers, one behind the other: `columns` is a number that the compiler knows, and it
 * takes them apart in registers.
 */
__attribute__((always_inline)) static inline void
take_apart(size_t rows, size_t columns, const real *restrict from, real *restrict to, size_t ld_to)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            to[j * ld_to + i] = from[i * columns + j];
}

LEAF_KERNEL static void transpose_narrow(size_t rows, size_t columns, const real *restrict from,
                                         real *restrict to, size_t ld_to)
{
    switch (columns) {
    case 1:
        take_apart(rows, 1, from, to, ld_to);
        break;
    case 2:
        take_apart(rows, 2, from, to, ld_to);
        break;
    case 3:
        take_apart(rows, 3, from, to, ld_to);
        break;
    case FEW:
        take_apart(rows, FEW, from, to, ld_to);
        break;
    }
}

/* One by one: what the squares leave over. */
static void transpose_edge(size_t rows, size_t columns, const real *restrict from, size_t ld_from,
                           int adds, real *restrict to, size_t ld_to)
{
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < rows; i++)
            to[j * ld_to + i] = (adds ? to[j * ld_to + i] : 0) + from[i * ld_from + j];
}

static void transpose_all(size_t rows, size_t columns, const real *from, size_t ld_from, int adds,
                          real *to, size_t ld_to)
{
    size_t whole_rows = rows / LANES * LANES, whole_columns = columns / LANES * LANES;
    transpose_squares(rows, columns, from, ld_from, adds, to, ld_to);
    transpose_edge(whole_rows, columns - whole_columns, from + whole_columns, ld_from, adds,
                   to + whole_columns * ld_to, ld_to);
    transpose_edge(rows - whole_rows, columns, from + whole_rows * ld_from, ld_from, adds,
                   to + whole_rows, ld_to);
}

void transpose(size_t rows, size_t columns, const real *from, size_t ld_from, real *to,
               size_t ld_to)
{
    if (columns <= FEW && ld_from == columns)
        transpose_narrow(rows, columns, from, to, ld_to);
    else
        transpose_all(rows, columns, from, ld_from, 0, to, ld_to);
}

void transpose_add(size_t rows, size_t columns, const real *from, size_t ld_from, real *to,
                   size_t ld_to)
{
    transpose_all(rows, columns, from, ld_from, 1, to, ld_to);
}
