/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_BF16_KERNELS_H
#define COTERIE_MATH_BF16_KERNELS_H

#include "math/bf16.h"

/* What a maker of bf16 products consists of; the functions of bf16.h hand on to it. */
struct bf16_kernels {
    void (*round_row)(size_t columns, const float *from, bf16_pair *to);
    /* second: NULL is a row of zeros */
    void (*pair_row)(size_t columns, const float *first, const float *second, bf16_pair *to);
    /* n <= BF16_COLUMNS; all rows of C */
    void (*multiply)(const struct bf16_shape *shape, const bf16_pair *a, const bf16_pair *b,
                     bool add, float *c);
};

enum { BF16_COLUMNS = 64 };

extern const struct bf16_kernels bf16_plain;
#if defined(__x86_64__) && defined(__GNUC__)
extern const struct bf16_kernels bf16_fused;
extern const struct bf16_kernels bf16_instruction;
#endif

#endif
