/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_BLAS_H
#define COTERIE_MATH_BLAS_H

#include "base/real.h"

#include <stddef.h>

/* The only door to BLAS. Matrices are row-major; `ld` is the distance of rows. Local. */

enum blas_transpose { BLAS_PLAIN, BLAS_TRANSPOSED };

/*
 * C (m,n) = A (m,k) B (k,n) + keep * C, where A and B stand for the transposed matrix if so said.
 * keep is 0 (C is only written) or 1.
 */
void blas_gemm(enum blas_transpose trans_a, enum blas_transpose trans_b, size_t m, size_t n,
               size_t k, const real *a, size_t lda, const real *b, size_t ldb, real keep, real *c,
               size_t ldc);

/*
 * In double in both programs, for statistics: C (m,n) += A (m,k) B^T, where B is (n,k).
 */
void blas_add_products(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                       size_t ldb, double *c, size_t ldc);

/* In double in both programs: C (m,n) = A (m,k) B (k,n). */
void blas_multiply(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                   size_t ldb, double *c, size_t ldc);

/* In double in both programs: the sum of a_i b_i, and sum += factor * a, for vectors of n. */
double blas_dot(size_t n, const double *a, const double *b);
void blas_add_scaled(size_t n, double factor, const double *a, double *sum);

/*
 * Equal bits need one BLAS thread. Sets it unless OPENBLAS_NUM_THREADS or OMP_NUM_THREADS is set by
 * the user, and returns the number of threads in use.
 */
int blas_use_one_thread(void);

/* How the library makes its threads. An OpenMP build heeds OMP_NUM_THREADS only. */
enum blas_threading { BLAS_SEQUENTIAL, BLAS_PTHREADS, BLAS_OPENMP };
enum blas_threading blas_threading(void);

/* The kernel that the library chose for this processor, as in "SkylakeX". */
const char *blas_kernel(void);

/* Name and version, as in "OpenBLAS 0.3.21 ...". */
const char *blas_version(void);

#endif
