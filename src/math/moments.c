/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/moments.h"

#include "base/real.h"
#include "base/status.h"

/*
 * Twelve sums are in registers at a time: of four rows of weights times three products z_u z_v, or,
 * where no more than two rows are left, of two times six. A product is formed where it is used: to
 * keep it for all rows takes longer. Each sum is made by one loop of the same form, and so they are
 * all rounded alike.
 */
enum { SUMS = 12, MOST_COLUMNS = 6 };

struct block {
    const double *a[4];                              /* rows of weights */
    const double *u[MOST_COLUMNS], *v[MOST_COLUMNS]; /* rows of z */
};

/* sum is (4, 3). */
LEAF_KERNEL static void sum_4_by_3(size_t n, const struct block *block, double *restrict sum)
{
    const double *restrict a0 = block->a[0], *restrict a1 = block->a[1], *restrict a2 = block->a[2],
                           *restrict a3 = block->a[3];
    const double *restrict u0 = block->u[0], *restrict u1 = block->u[1], *restrict u2 = block->u[2];
    const double *restrict v0 = block->v[0], *restrict v1 = block->v[1], *restrict v2 = block->v[2];
    double s0 = 0, s1 = 0, s2 = 0;
    double t0 = 0, t1 = 0, t2 = 0;
    double w0 = 0, w1 = 0, w2 = 0;
    double x0 = 0, x1 = 0, x2 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, t0, t1, t2, w0, w1, w2, x0, x1, x2)
    for (size_t i = 0; i < n; i++) {
        double q0 = u0[i] * v0[i], q1 = u1[i] * v1[i], q2 = u2[i] * v2[i];
        s0 += a0[i] * q0;
        s1 += a0[i] * q1;
        s2 += a0[i] * q2;
        t0 += a1[i] * q0;
        t1 += a1[i] * q1;
        t2 += a1[i] * q2;
        w0 += a2[i] * q0;
        w1 += a2[i] * q1;
        w2 += a2[i] * q2;
        x0 += a3[i] * q0;
        x1 += a3[i] * q1;
        x2 += a3[i] * q2;
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2;
    sum[3] = t0, sum[4] = t1, sum[5] = t2;
    sum[6] = w0, sum[7] = w1, sum[8] = w2;
    sum[9] = x0, sum[10] = x1, sum[11] = x2;
}

/* sum is (2, 6). */
LEAF_KERNEL static void sum_2_by_6(size_t n, const struct block *block, double *restrict sum)
{
    const double *restrict a0 = block->a[0], *restrict a1 = block->a[1];
    const double *restrict u0 = block->u[0], *restrict u1 = block->u[1], *restrict u2 = block->u[2],
                           *restrict u3 = block->u[3], *restrict u4 = block->u[4],
                           *restrict u5 = block->u[5];
    const double *restrict v0 = block->v[0], *restrict v1 = block->v[1], *restrict v2 = block->v[2],
                           *restrict v3 = block->v[3], *restrict v4 = block->v[4],
                           *restrict v5 = block->v[5];
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0;
    double t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3, s4, s5, t0, t1, t2, t3, t4, t5)
    for (size_t i = 0; i < n; i++) {
        double q0 = u0[i] * v0[i], q1 = u1[i] * v1[i], q2 = u2[i] * v2[i], q3 = u3[i] * v3[i],
               q4 = u4[i] * v4[i], q5 = u5[i] * v5[i];
        s0 += a0[i] * q0;
        s1 += a0[i] * q1;
        s2 += a0[i] * q2;
        s3 += a0[i] * q3;
        s4 += a0[i] * q4;
        s5 += a0[i] * q5;
        t0 += a1[i] * q0;
        t1 += a1[i] * q1;
        t2 += a1[i] * q2;
        t3 += a1[i] * q3;
        t4 += a1[i] * q4;
        t5 += a1[i] * q5;
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3, sum[4] = s4, sum[5] = s5;
    sum[6] = t0, sum[7] = t1, sum[8] = t2, sum[9] = t3, sum[10] = t4, sum[11] = t5;
}

/* The moments of rows r .. of weights, four or, if no more than two are left, two: how many. */
static size_t add_rows(size_t n_left, size_t width, size_t n, const double *a, size_t lda,
                       size_t n_rows, const double *z, size_t ldz, double *sums, size_t ld_sums)
{
    struct block block;
    double sum[SUMS];
    size_t rows = n_rows > 2 ? 4 : 2, columns = SUMS / rows, n_used = n_rows < rows ? n_rows : rows;
    size_t count = moments_count(n_left, width), first = 0, c = 0;
    /* Where rows or columns lack, the last one stands in. */
    for (size_t r = 0; r < rows; r++)
        block.a[r] = a + (r < n_used ? r : n_used - 1) * lda;
    for (size_t u = 0; u < n_left; u++)
        for (size_t v = u; v < width; v++) {
            for (size_t i = c++; i < columns; i++) {
                block.u[i] = z + u * ldz;
                block.v[i] = z + v * ldz;
            }
            if (c < columns && first + c < count)
                continue;
            rows == 4 ? sum_4_by_3(n, &block, sum) : sum_2_by_6(n, &block, sum);
            for (size_t r = 0; r < n_used; r++)
                for (size_t i = 0; i < c; i++)
                    sums[r * ld_sums + first + i] += sum[r * columns + i];
            first += c;
            c = 0;
        }
    return n_used;
}

void moments_add(size_t n_rows, size_t n_left, size_t width, size_t n, const double *a, size_t lda,
                 const double *z, size_t ldz, double *sums, size_t ld_sums)
{
    COTERIE_ASSERT(n <= MOMENTS_TILE && n % 8 == 0);
    for (size_t r = 0; r < n_rows;)
        r += add_rows(n_left, width, n, a + r * lda, lda, n_rows - r, z, ldz, sums + r * ld_sums,
                      ld_sums);
}

void moments_unfold(size_t n_left, size_t width, const double *sums, double *matrix)
{
    for (size_t u = 0; u < n_left; u++)
        for (size_t v = u; v < n_left; v++)
            matrix[u * n_left + v] = matrix[v * n_left + u] = sums[moments_at(width, u, v)];
}
