/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_DOTS_H
#define COTERIE_MATH_DOTS_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * C (m,n) = A (m,k) B' with B (n,k), or added to C: dot products of rows, for the gradient of
 * weights from very few inputs. A product of matrices has vectors along the rows of C, of which
 * n numbers are used; here they go along k, the samples. k is a whole number of lines, all rows of
 * A and B begin at one, n <= DOTS_COLUMNS. A sum has one part for each lane, added in pairs at the
 * end. Local.
 */
enum { DOTS_COLUMNS = 4 };

void dots(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b, size_t ldb,
          bool add, real *c, size_t ldc);

/*
 * C (m,k) = A (m,n) B (n,k) + bias (m) in every column: few inputs through one layer, in one pass.
 * n <= DOTS_COLUMNS and k as above; rows of A follow each other. Local.
 */
void dots_combine(size_t m, size_t n, size_t k, const real *a, const real *b, size_t ldb,
                  const real *bias, real *c, size_t ldc);

#endif
