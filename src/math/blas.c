/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/blas.h"

#include "base/status.h"

#include <cblas.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

/* The one checked cast at the border: BLAS counts in int. */
static int blas_size(size_t n)
{
    COTERIE_ASSERT(n <= INT_MAX);
    return (int)n;
}

void blas_gemm(enum blas_transpose trans_a, enum blas_transpose trans_b, size_t m, size_t n,
               size_t k, const real *a, size_t lda, const real *b, size_t ldb, real keep, real *c,
               size_t ldc)
{
    CBLAS_TRANSPOSE ta = trans_a == BLAS_PLAIN ? CblasNoTrans : CblasTrans;
    CBLAS_TRANSPOSE tb = trans_b == BLAS_PLAIN ? CblasNoTrans : CblasTrans;
#ifdef COTERIE_DOUBLE
    cblas_dgemm(CblasRowMajor, ta, tb, blas_size(m), blas_size(n), blas_size(k), 1, a,
                blas_size(lda), b, blas_size(ldb), keep, c, blas_size(ldc));
#else
    cblas_sgemm(CblasRowMajor, ta, tb, blas_size(m), blas_size(n), blas_size(k), 1, a,
                blas_size(lda), b, blas_size(ldb), keep, c, blas_size(ldc));
#endif
}

void blas_add_products(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                       size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, blas_size(m), blas_size(n), blas_size(k),
                1, a, blas_size(lda), b, blas_size(ldb), 1, c, blas_size(ldc));
}

void blas_multiply(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                   size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, blas_size(m), blas_size(n), blas_size(k),
                1, a, blas_size(lda), b, blas_size(ldb), 0, c, blas_size(ldc));
}

double blas_dot(size_t n, const double *a, const double *b)
{
    return cblas_ddot(blas_size(n), a, 1, b, 1);
}

void blas_add_scaled(size_t n, double factor, const double *a, double *sum)
{
    cblas_daxpy(blas_size(n), factor, a, 1, sum, 1);
}

/* Of the library that an OpenMP build of OpenBLAS brings along; it heeds nothing else. */
extern void omp_set_num_threads(int) __attribute__((weak));

int blas_use_one_thread(void)
{
    bool is_openmp = openblas_get_parallel() == 2;
    bool said = getenv("OMP_NUM_THREADS") || (!is_openmp && getenv("OPENBLAS_NUM_THREADS"));
    if (!said && is_openmp && omp_set_num_threads)
        omp_set_num_threads(1);
    if (!said)
        openblas_set_num_threads(1);
    return openblas_get_num_threads();
}

enum blas_threading blas_threading(void)
{
    switch (openblas_get_parallel()) {
    case OPENBLAS_THREAD:
        return BLAS_PTHREADS;
    case OPENBLAS_OPENMP:
        return BLAS_OPENMP;
    default:
        return BLAS_SEQUENTIAL;
    }
}

const char *blas_kernel(void)
{
    return openblas_get_corename();
}

const char *blas_version(void)
{
    return openblas_get_config();
}
