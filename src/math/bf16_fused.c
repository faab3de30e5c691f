/* SPDX-License-Identifier: BSD-3-Clause */
/* bf16 products by the fused multiply-adds of AVX2. */
#include "bf16_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))

enum {
    LANES = 8,
    ROWS = 4,
    /* MXCSR: denormal operands are zeros (bit 6), so are results, judged after rounding (bit 15);
       to nearest (bits 13, 14 clear), no exception stops the program (bits 7 to 12). */
    AS_THE_INSTRUCTION = 0x9fc0
};

/* Up to LANES columns, as `mask` says, of ROWS rows, or of as many as there are. */
TARGET __attribute__((noinline)) static void multiply_block(size_t rows,
                                                            const struct bf16_shape *shape,
                                                            const bf16_pair *a, const bf16_pair *b,
                                                            __m256i mask, bool add, float *c)
{
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000);
    __m256 sum[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        sum[r] =
            add && r < rows ? _mm256_maskload_ps(c + r * shape->ldc, mask) : _mm256_setzero_ps();
    for (size_t p = 0; p < shape->pairs; p++) {
        __m256i y = _mm256_maskload_epi32((const int *)(b + p * shape->ldb), mask);
        __m256 y1 = _mm256_castsi256_ps(_mm256_and_si256(y, upper));
        __m256 y0 = _mm256_castsi256_ps(_mm256_slli_epi32(y, 16));
        for (size_t r = 0; r < ROWS; r++) {
            __m256i x = _mm256_set1_epi32((int)a[(r < rows ? r : 0) * shape->lda + p]);
            __m256 x1 = _mm256_castsi256_ps(_mm256_and_si256(x, upper));
            __m256 x0 = _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
            sum[r] = _mm256_fmadd_ps(x0, y0, _mm256_fmadd_ps(x1, y1, sum[r]));
        }
    }
    for (size_t r = 0; r < rows; r++)
        _mm256_maskstore_ps(c + r * shape->ldc, mask, sum[r]);
}

TARGET static void multiply(const struct bf16_shape *shape, const bf16_pair *a, const bf16_pair *b,
                            bool add, float *c)
{
    const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    unsigned before = _mm_getcsr();
    _mm_setcsr(AS_THE_INSTRUCTION);
    for (size_t j = 0; j < shape->n; j += LANES) {
        __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(shape->n - j)), number);
        for (size_t i = 0; i < shape->m; i += ROWS)
            multiply_block(shape->m - i < ROWS ? shape->m - i : ROWS, shape, a + i * shape->lda,
                           b + j, mask, add, c + i * shape->ldc + j);
    }
    _mm_setcsr(before);
}

/* Numbers are rounded by loops that the compiler makes vectors of. */
static void round_row(size_t columns, const float *from, bf16_pair *to)
{
    bf16_plain.round_row(columns, from, to);
}

static void pair_row(size_t columns, const float *first, const float *second, bf16_pair *to)
{
    bf16_plain.pair_row(columns, first, second, to);
}

const struct bf16_kernels bf16_fused = {round_row, pair_row, multiply};
#endif
