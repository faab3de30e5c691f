/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/gemm.h"

#include "math/blas.h"

#include <stdio.h>
#include <string.h>

#ifdef COTERIE_LIBXSMM
#include <libxsmm.h>

#ifdef COTERIE_DOUBLE
typedef libxsmm_dmmfunction product;
#define dispatch libxsmm_dmmdispatch
#else
typedef libxsmm_smmfunction product;
#define dispatch libxsmm_smmdispatch
#endif

/* libxsmm is column-major: it sees the transposed product, B first. */
static void prepare_kernel(struct gemm_kernel *kernel, const struct gemm *gemm, size_t m, size_t n)
{
    const int lda = (int)gemm->ldb, ldb = (int)gemm->lda, ldc = (int)gemm->ldc;
    const real one = 1, zero = 0;
    product set = dispatch((int)n, (int)m, (int)gemm->k, &lda, &ldb, &ldc, &one, &zero, NULL, NULL);
    product add = dispatch((int)n, (int)m, (int)gemm->k, &lda, &ldb, &ldc, &one, &one, NULL, NULL);
    kernel->set = (void (*)(void))set;
    kernel->add = (void (*)(void))add;
}

static void run_kernel(void (*kernel)(void), const real *a, const real *b, real *c)
{
    ((product)kernel)(b, a, c);
}

const char *gemm_library(void)
{
    static char name[32];
    const char *target = libxsmm_get_target_arch();
    snprintf(name, sizeof name, "libxsmm %s", target ? target : "without a target");
    return name;
}
#else
static void prepare_kernel(struct gemm_kernel *kernel, const struct gemm *gemm, size_t m, size_t n)
{
    (void)gemm, (void)m, (void)n;
    kernel->set = kernel->add = NULL;
}

static void run_kernel(void (*kernel)(void), const real *a, const real *b, real *c)
{
    (void)kernel, (void)a, (void)b, (void)c;
}

const char *gemm_library(void)
{
    return "OpenBLAS";
}
#endif

void gemm_prepare(struct gemm *gemm, size_t m, size_t n, size_t k, size_t lda, size_t ldb,
                  size_t ldc)
{
    memset(gemm, 0, sizeof *gemm);
    gemm->m = m, gemm->n = n, gemm->k = k;
    gemm->lda = lda, gemm->ldb = ldb, gemm->ldc = ldc;
    const size_t rows[2] = {m < GEMM_ROWS ? m : GEMM_ROWS, m % GEMM_ROWS};
    const size_t columns[2] = {n < GEMM_COLUMNS ? n : GEMM_COLUMNS, n % GEMM_COLUMNS};
    for (int edge = 0; edge < 4; edge++)
        if (rows[edge / 2] > 0 && columns[edge % 2] > 0 && k > 0)
            prepare_kernel(&gemm->kernel[edge], gemm, rows[edge / 2], columns[edge % 2]);
}

void gemm_run(const struct gemm *gemm, const real *a, const real *b, bool add, real *c)
{
    gemm_sum(gemm, 1, a, 0, b, 0, add, c);
}

void gemm_sum_rows(const struct gemm *gemm, size_t row, size_t count, const real *a, size_t a_step,
                   const real *b, size_t b_step, bool add, real *c)
{
    if (!gemm->kernel[0].set || !gemm->kernel[0].add) {
        size_t rows = gemm->m - row < GEMM_ROWS ? gemm->m - row : GEMM_ROWS;
        for (size_t t = 0; t < count; t++)
            blas_gemm(BLAS_PLAIN, BLAS_PLAIN, rows, gemm->n, gemm->k, a + t * a_step, gemm->lda,
                      b + t * b_step, gemm->ldb, add || t > 0, c, gemm->ldc);
        return;
    }
    for (size_t column = 0; column < gemm->n; column += GEMM_COLUMNS) {
        int edge = (column > 0 && column + GEMM_COLUMNS > gemm->n ? 1 : 0) +
                   (row > 0 && row + GEMM_ROWS > gemm->m ? 2 : 0);
        const struct gemm_kernel *kernel = &gemm->kernel[edge];
        for (size_t t = 0; t < count; t++)
            run_kernel(add || t > 0 ? kernel->add : kernel->set, a + t * a_step,
                       b + t * b_step + column, c + column);
    }
}

void gemm_sum(const struct gemm *gemm, size_t count, const real *a, size_t a_step, const real *b,
              size_t b_step, bool add, real *c)
{
    for (size_t row = 0; row < gemm->m; row += GEMM_ROWS)
        gemm_sum_rows(gemm, row, count, a + row * gemm->lda, a_step, b, b_step, add,
                      c + row * gemm->ldc);
}
