/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_PORTABLE_SOFTMAX_H
#define COTERIE_MATH_PORTABLE_SOFTMAX_H

#include <stddef.h>

/* Rows of doubles with the same bits in program and library, see portable_math.h. All functions are
 * Local. */

/* z becomes exp z. */
void portable_exp_all(size_t n, double *z);

/*
 * Softmax over the rows of z (rows, width), which becomes z less its largest: p, with sums in the
 * order of rows; sum (width) of exp z. most (width) is work space.
 */
void portable_softmax(size_t rows, size_t width, double *z, double *p, double *sum, double *most);

#endif
