/* SPDX-License-Identifier: BSD-3-Clause */
/* bf16 products on any processor. */
#include "bf16_kernels.h"

#include "base/real.h"

#include <math.h>
#include <string.h>

/* The bits of 2^-126, the smallest normal number, and of infinity. */
static const uint32_t least_normal = 0x00800000, infinity = 0x7f800000, sign = 0x80000000;

__attribute__((always_inline)) static inline uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

__attribute__((always_inline)) static inline float number_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

__attribute__((always_inline)) static inline uint32_t rounded(float x)
{
    uint32_t bits = bits_of(x), size = bits & ~sign;
    uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    uint32_t nan = bits >> 16 | 0x40, zero = bits >> 16 & 0x8000;
    return size > infinity ? nan : size < least_normal ? zero : nearest;
}

LEAF_KERNEL static void round_row(size_t columns, const float *restrict from,
                                  bf16_pair *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < columns / 2; i++)
        to[i] = rounded(from[2 * i]) | rounded(from[2 * i + 1]) << 16;
    if (columns % 2)
        to[columns / 2] = rounded(from[columns - 1]);
}

LEAF_KERNEL static void pair_row(size_t columns, const float *restrict first,
                                 const float *restrict second, bf16_pair *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < columns; i++)
        to[i] = rounded(first[i]);
    if (!second)
        return;
#pragma omp simd
    for (size_t i = 0; i < columns; i++)
        to[i] |= rounded(second[i]) << 16;
}

__attribute__((always_inline)) static inline float no_denormal(uint32_t bits)
{
    return number_of((bits & infinity) == 0 ? bits & sign : bits);
}

/*
 * fma(a, b, c) rounded once, by way of double. The product has 16 bits and is exact. Where the sum
 * needs more than the 53 bits of a double, one of product and c is more than 2^28 times the other;
 * the larger one is a float, and the sum is much nearer to it than to the middle between two
 * floats: it becomes that float by either way. Else the double is exact, and is rounded once.
 * Below 2^-126 the middle to the next lower number of 24 bits is the limit: what is less is zero.
 */
__attribute__((always_inline)) static inline float fused(float a, float b, float c)
{
    const double limit = 0x1p-126 - 0x1p-151;
    double d = (double)a * (double)b + (double)c;
    float nearest = (float)d;
    return fabs(d) < limit ? nearest * 0 : nearest; /* zero keeps its sign */
}

/* One row of C. */
LEAF_KERNEL static void multiply_row(size_t n, size_t pairs, const bf16_pair *restrict a,
                                     const bf16_pair *restrict b, size_t ldb, float *restrict c)
{
    for (size_t p = 0; p < pairs; p++) {
        float a0 = no_denormal(a[p] << 16), a1 = no_denormal(a[p] & 0xffff0000);
#pragma omp simd
        for (size_t j = 0; j < n; j++) {
            uint32_t pair = b[p * ldb + j];
            float b0 = no_denormal(pair << 16), b1 = no_denormal(pair & 0xffff0000);
            c[j] = fused(a0, b0, fused(a1, b1, no_denormal(bits_of(c[j]))));
        }
    }
}

static void multiply(const struct bf16_shape *shape, const bf16_pair *a, const bf16_pair *b,
                     bool add, float *c)
{
    for (size_t i = 0; i < shape->m; i++) {
        float *row = c + i * shape->ldc;
        if (!add)
            memset(row, 0, shape->n * sizeof *row);
        multiply_row(shape->n, shape->pairs, a + i * shape->lda, b, shape->ldb, row);
    }
}

const struct bf16_kernels bf16_plain = {round_row, pair_row, multiply};
