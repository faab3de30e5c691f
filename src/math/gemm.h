/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_GEMM_H
#define COTERIE_MATH_GEMM_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Matrix products of one shape, C (m,n) = A (m,k) B (k,n) or added to C, made again and again. All
 * matrices are row-major and nothing is transposed or copied: the caller keeps what it multiplies
 * in tiles that fit the cache. With libxsmm each shape gets machine code of its own, which for
 * blocks of this size is faster than a BLAS that packs its operands first; without it, or on a
 * processor that it does not know, OpenBLAS does the same products. A sum over k is always made in
 * the order of k. Local.
 */
enum { GEMM_ROWS = 64, GEMM_COLUMNS = 128 }; /* larger products are made block by block */

struct gemm {
    size_t m, n, k, lda, ldb, ldc;
    /* By edge: 1 for the columns and 2 for the rows that GEMM_COLUMNS and GEMM_ROWS leave over. */
    struct gemm_kernel {
        void (*set)(void), (*add)(void); /* C = A B and C += A B; NULL: OpenBLAS */
    } kernel[4];
};

/* Distances between rows are at least the width of the matrix. */
void gemm_prepare(struct gemm *gemm, size_t m, size_t n, size_t k, size_t lda, size_t ldb,
                  size_t ldc);

/* C = A B, or C += A B. */
void gemm_run(const struct gemm *gemm, const real *a, const real *b, bool add, real *c);

/*
 * C = sum of A_t B_t over t = 0 .. count-1, or added to C; A_t begins t * a_step reals behind A_0.
 * Each block of C stays in the cache while its sum is made.
 */
void gemm_sum(const struct gemm *gemm, size_t count, const real *a, size_t a_step, const real *b,
              size_t b_step, bool add, real *c);

/*
 * The same for GEMM_ROWS rows of C, or what is left of them, from `row` on, a multiple of
 * GEMM_ROWS; a and c point at the first of these rows.
 */
void gemm_sum_rows(const struct gemm *gemm, size_t row, size_t count, const real *a, size_t a_step,
                   const real *b, size_t b_step, bool add, real *c);

/* What makes the products, for logs: "libxsmm cpx" or "OpenBLAS". */
const char *gemm_library(void);

#endif
