/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_TRANSPOSE_H
#define COTERIE_MATH_TRANSPOSE_H

#include "base/real.h"

#include <stddef.h>

/* to (columns, rows) = transpose of from (rows, columns); rows `ld_to` and `ld_from` reals apart.
 * Local. */
void transpose(size_t rows, size_t columns, const real *from, size_t ld_from, real *to,
               size_t ld_to);

/* to += transpose of from. Local. */
void transpose_add(size_t rows, size_t columns, const real *from, size_t ld_from, real *to,
                   size_t ld_to);

#endif
