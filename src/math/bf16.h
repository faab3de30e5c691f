/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_BF16_H
#define COTERIE_MATH_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Matrix products of bf16 numbers (the upper half of a float: 8 bits of exponent, 8 of fraction
 * with the hidden one), summed in float, as the instruction vdpbf16ps makes them. A step of it is
 *
 *     t = fma(a_1, b_1, c),  c' = fma(a_0, b_0, t)
 *
 * for a pair of numbers (a_0, a_1) of a row of A and (b_0, b_1) of a column of B: the second
 * product first, each sum rounded once, to nearest, ties to even. Denormal numbers enter as zeros
 * of their sign; so leaves what would be below 2^-126 after rounding to 24 bits.
 *
 * A sum over k is always made in the order of k, step by step: its bits depend neither on the
 * blocks of a product nor on the processor, for those that lack the instruction do the same by
 * other means. Which NaN results is not defined. Local.
 */

/* Two bf16 numbers, the first of them in the lower half. */
typedef uint32_t bf16_pair;

/* Pairs that n numbers fill. The last one of an odd number has a zero beside it. */
static inline size_t bf16_pairs(size_t n)
{
    return (n + 1) / 2;
}

/*
 * Rounded to nearest, ties to even; denormal numbers become zeros. The numbers of a row are paired:
 * to (rows, bf16_pairs(columns)). Rows of `to` are as long as that.
 */
void bf16_round_rows(size_t rows, size_t columns, const float *from, size_t ld_from, bf16_pair *to,
                     size_t ld_to);

/* Rounded, and two rows are paired number by number: to (bf16_pairs(rows), columns). */
void bf16_pair_rows(size_t rows, size_t columns, const float *from, size_t ld_from, bf16_pair *to,
                    size_t ld_to);

/* A (m, pairs) with pairs along its rows, B (pairs, n) of paired rows, C (m, n). */
struct bf16_shape {
    size_t m, n, pairs, lda, ldb, ldc;
};

/* C = A B, or C += A B. */
void bf16_multiply(const struct bf16_shape *shape, const bf16_pair *a, const bf16_pair *b, bool add,
                   float *c);

/*
 * Who makes the steps: the processor's instruction; pairs of fused multiply-adds that take and
 * leave denormal numbers as zeros; or arithmetic in double.
 */
enum bf16_maker { BF16_INSTRUCTION, BF16_FUSED, BF16_PLAIN };

/* Whether this processor can. */
bool bf16_has(enum bf16_maker maker);

/*
 * The first that it can, in the order of the enum, unless the environment variable COTERIE_BF16
 * names another: instruction, fused or plain. It is read once.
 */
enum bf16_maker bf16_choice(void);

/* From now on; for tests. */
void bf16_choose(enum bf16_maker maker);

/* "AVX512-BF16", "fused multiply-add" or "double", for logs. */
const char *bf16_maker_name(void);

#endif
