/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_MOMENTS_H
#define COTERIE_MATH_MOMENTS_H

#include <stddef.h>

/*
 * Weighted second moments, in double in both programs: the statistics of EM.
 *
 *   m_r(u,v) = sum_i a_r[i] z_u[i] z_v[i]     for u < n_left and u <= v < width
 *
 * of the rows z_0, z_1, ... of a matrix, for each row a_r of weights. The products of two rows of z
 * are formed once for all rows of weights, and only half of the symmetric part is: that is a half
 * to a third of the operations of one matrix product per row. Each moment is summed in the same
 * order whatever the other rows of weights are, so that how they are dealt to ranks changes no bit.
 */

/* How many (u,v) there are. Local. */
static inline size_t moments_count(size_t n_left, size_t width)
{
    return n_left * (2 * width - n_left + 1) / 2;
}

/* Where (u,v), u <= v, is among them: (0,0), (0,1), ..., (1,1), ... Local. */
static inline size_t moments_at(size_t width, size_t u, size_t v)
{
    return u * (2 * width - u + 1) / 2 + v - u;
}

/* Samples are best given in as many at a time: then what is used again is in the cache. */
enum { MOMENTS_TILE = 512 };

/*
 * Local. Adds the moments of n samples to sums (n_rows, ld_sums). a is (n_rows, lda), z (width,
 * ldz); n is a multiple of 8 and at most MOMENTS_TILE, and all rows begin at a line of 64 bytes.
 */
void moments_add(size_t n_rows, size_t n_left, size_t width, size_t n, const double *a, size_t lda,
                 const double *z, size_t ldz, double *sums, size_t ld_sums);

/* Local. The symmetric matrix (n_left, n_left) in full from one row of sums. */
void moments_unfold(size_t n_left, size_t width, const double *sums, double *matrix);

#endif
