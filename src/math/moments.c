#include "coterie/math/moments.h"

#include "coterie/base/real.h"
#include "coterie/base/status.h"

/* Two rows of weights times four of products: eight sums, in the registers of any x86-64. */
enum { ROWS = 2, COLUMNS = 4 };

LEAF_KERNEL static void multiply_rows(size_t n, const double *restrict z_u,
                                      const double *restrict z_v, double *restrict product)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        product[i] = z_u[i] * z_v[i];
}

/* q is (COLUMNS, n). The same code for every sum: they are all rounded alike. */
LEAF_KERNEL static void sum_block(size_t n, const double *restrict a, const double *restrict b,
                                  const double *restrict q, double *restrict sum)
{
    const double *restrict q0 = q, *restrict q1 = q + n, *restrict q2 = q + 2 * n,
                           *restrict q3 = q + 3 * n;
    double a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
#pragma omp simd reduction(+ : a0, a1, a2, a3, b0, b1, b2, b3)
    for (size_t i = 0; i < n; i++) {
        a0 += a[i] * q0[i];
        a1 += a[i] * q1[i];
        a2 += a[i] * q2[i];
        a3 += a[i] * q3[i];
        b0 += b[i] * q0[i];
        b1 += b[i] * q1[i];
        b2 += b[i] * q2[i];
        b3 += b[i] * q3[i];
    }
    sum[0] = a0, sum[1] = a1, sum[2] = a2, sum[3] = a3;
    sum[4] = b0, sum[5] = b1, sum[6] = b2, sum[7] = b3;
}

/* The products q of columns first ... of all rows of weights. Where rows are odd, one is doubled.
 */
static void add_columns(size_t n_rows, size_t n, const double *a, size_t lda, const double *q,
                        size_t n_columns, double *sums, size_t ld_sums)
{
    double block[ROWS * COLUMNS];
    for (size_t r = 0; r < n_rows; r += ROWS) {
        size_t n_used = n_rows - r < ROWS ? n_rows - r : ROWS;
        sum_block(n, a + r * lda, a + (r + n_used - 1) * lda, q, block);
        for (size_t row = 0; row < n_used; row++)
            for (size_t c = 0; c < n_columns; c++)
                sums[(r + row) * ld_sums + c] += block[row * COLUMNS + c];
    }
}

void moments_add(size_t n_rows, size_t n_left, size_t width, size_t n, const double *a, size_t lda,
                 const double *z, size_t ldz, double *sums, size_t ld_sums)
{
    _Alignas(64) double q[COLUMNS * MOMENTS_TILE] = {0};
    size_t count = moments_count(n_left, width), n_columns = 0, first = 0;
    COTERIE_ASSERT(n <= MOMENTS_TILE && n % 8 == 0);
    for (size_t u = 0; u < n_left; u++)
        for (size_t v = u; v < width; v++) {
            multiply_rows(n, z + u * ldz, z + v * ldz, q + n_columns * n);
            if (++n_columns < COLUMNS && first + n_columns < count)
                continue;
            add_columns(n_rows, n, a, lda, q, n_columns, sums + first, ld_sums);
            first += n_columns;
            n_columns = 0;
        }
}

void moments_unfold(size_t n_left, size_t width, const double *sums, double *matrix)
{
    for (size_t u = 0; u < n_left; u++)
        for (size_t v = u; v < n_left; v++)
            matrix[u * n_left + v] = matrix[v * n_left + u] = sums[moments_at(width, u, v)];
}
