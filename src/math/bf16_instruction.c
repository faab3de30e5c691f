/* SPDX-License-Identifier: BSD-3-Clause */
/* bf16 products by the instruction vdpbf16ps. */
#include "bf16_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

enum { LANES = 16 };

static __mmask16 lanes(size_t n)
{
    return (__mmask16)(n < LANES ? (1U << n) - 1 : 0xffff);
}

/*
 * Rows and vectors of a block are numbers that the compiler knows and its sums an array of the
 * function's own: only then gcc keeps them in registers. Of the last vector the lanes in `last`.
 */
#define BLOCK(ROWS, VECTORS)                                                                       \
    TARGET static void block_##ROWS##x##VECTORS(const struct bf16_shape *shape,                    \
                                                const bf16_pair *a, const bf16_pair *b,            \
                                                __mmask16 last, bool add, float *c)                \
    {                                                                                              \
        const size_t lda = shape->lda, ldb = shape->ldb, ldc = shape->ldc;                         \
        __m512 sum[ROWS][VECTORS];                                                                 \
        _Pragma("GCC unroll 16") for (size_t r = 0; r < (ROWS); r++)                               \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < (VECTORS); v++) sum[r][v] =             \
                add ? _mm512_maskz_loadu_ps(v + 1 == (VECTORS) ? last : 0xffff,                    \
                                            c + r * ldc + v * LANES)                               \
                    : _mm512_setzero_ps();                                                         \
        for (size_t p = 0; p < shape->pairs; p++) {                                                \
            __m512bh y[VECTORS];                                                                   \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < (VECTORS); v++) y[v] =                  \
                (__m512bh)_mm512_maskz_loadu_epi32(v + 1 == (VECTORS) ? last : 0xffff,             \
                                                   b + p * ldb + v * LANES);                       \
            _Pragma("GCC unroll 16") for (size_t r = 0; r < (ROWS); r++)                           \
            {                                                                                      \
                __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[r * lda + p]);                     \
                _Pragma("GCC unroll 4") for (size_t v = 0; v < (VECTORS); v++) sum[r][v] =         \
                    _mm512_dpbf16_ps(sum[r][v], x, y[v]);                                          \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 16") for (size_t r = 0; r < (ROWS); r++)                               \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < (VECTORS); v++) _mm512_mask_storeu_ps(  \
                c + r * ldc + v * LANES, v + 1 == (VECTORS) ? last : 0xffff, sum[r][v]);           \
    }

/* clang-format off */
BLOCK(1, 1) BLOCK(2, 1) BLOCK(3, 1) BLOCK(4, 1) BLOCK(5, 1) BLOCK(6, 1) BLOCK(7, 1) BLOCK(8, 1)
BLOCK(9, 1) BLOCK(10, 1) BLOCK(11, 1) BLOCK(12, 1)
BLOCK(1, 2) BLOCK(2, 2) BLOCK(3, 2) BLOCK(4, 2) BLOCK(5, 2) BLOCK(6, 2) BLOCK(7, 2) BLOCK(8, 2)
BLOCK(1, 3) BLOCK(2, 3) BLOCK(3, 3) BLOCK(4, 3) BLOCK(5, 3) BLOCK(6, 3) BLOCK(7, 3) BLOCK(8, 3)
BLOCK(1, 4) BLOCK(2, 4) BLOCK(3, 4) BLOCK(4, 4) BLOCK(5, 4) BLOCK(6, 4)

enum { MOST_VECTORS = 4, MOST_ROWS = 12 };

/* By the vectors of a row. */
static const struct {
    size_t most_rows;
    void (*block[MOST_ROWS + 1])(const struct bf16_shape *shape, const bf16_pair *a,
                                 const bf16_pair *b, __mmask16 last, bool add, float *c);
} blocks[MOST_VECTORS + 1] = {
    [1] = {12, {NULL, block_1x1, block_2x1, block_3x1, block_4x1, block_5x1, block_6x1, block_7x1,
                block_8x1, block_9x1, block_10x1, block_11x1, block_12x1}},
    [2] = {8, {NULL, block_1x2, block_2x2, block_3x2, block_4x2, block_5x2, block_6x2, block_7x2,
               block_8x2}},
    [3] = {8, {NULL, block_1x3, block_2x3, block_3x3, block_4x3, block_5x3, block_6x3, block_7x3,
               block_8x3}},
    [4] = {6, {NULL, block_1x4, block_2x4, block_3x4, block_4x4, block_5x4, block_6x4}}};
/* clang-format on */

/* Blocks of nearly the same height: one of few rows would wait for each of its own sums. */
static void multiply(const struct bf16_shape *shape, const bf16_pair *a, const bf16_pair *b,
                     bool add, float *c)
{
    size_t vectors = (shape->n + LANES - 1) / LANES, most = blocks[vectors].most_rows;
    __mmask16 last = lanes(shape->n - (vectors - 1) * LANES);
    size_t left = (shape->m + most - 1) / most, rows;
    for (size_t i = 0; i < shape->m; i += rows, left--) {
        rows = (shape->m - i + left - 1) / left;
        blocks[vectors].block[rows](shape, a + i * shape->lda, b, last, add, c + i * shape->ldc);
    }
}

TARGET static void round_row(size_t columns, const float *from, bf16_pair *to)
{
    size_t i = 0;
    for (; i + 2 * LANES <= columns; i += 2 * LANES)
        _mm512_storeu_si512(to + i / 2,
                            (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + LANES),
                                                         _mm512_loadu_ps(from + i)));
    if (i < columns) {
        size_t n = columns - i, high = n > LANES ? n - LANES : 0;
        __m512bh rest = _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(lanes(high), from + i + LANES),
                                            _mm512_maskz_loadu_ps(lanes(n), from + i));
        _mm512_mask_storeu_epi32(to + i / 2, lanes(bf16_pairs(n)), (__m512i)rest);
    }
}

/* The numbers of two vectors, one behind the other, become pairs. */
TARGET static __m512i paired(__m512 first, __m512 second)
{
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

TARGET static void pair_row(size_t columns, const float *first, const float *second, bf16_pair *to)
{
    for (size_t i = 0; i < columns; i += LANES) {
        __mmask16 mask = lanes(columns - i);
        __m512 two = second ? _mm512_maskz_loadu_ps(mask, second + i) : _mm512_setzero_ps();
        _mm512_mask_storeu_epi32(to + i, mask, paired(_mm512_maskz_loadu_ps(mask, first + i), two));
    }
}

const struct bf16_kernels bf16_instruction = {round_row, pair_row, multiply};
#endif
