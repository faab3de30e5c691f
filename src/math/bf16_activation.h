/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_BF16_ACTIVATION_H
#define COTERIE_MATH_BF16_ACTIVATION_H

#include "math/activation.h"
#include "math/bf16.h"

/*
 * Activations beside the bf16 numbers that are made of them, in coterie only. The bits are those of
 * the functions named; for tanh, on processors that have the instruction, memory is passed over
 * once. Rows are w floats, a whole number of lines, and follow each other. Local.
 */

/* activation_forward and bf16_pair_rows of a: to (bf16_pairs(units), w). */
void bf16_activate(enum activation kind, size_t units, size_t w, const float *bias, float *z,
                   float *a, bf16_pair *to);

/* activation_backward and bf16_round_rows of a and d: rows of a_to and d_to are ld_to apart. */
void bf16_differentiate(enum activation kind, size_t units, size_t w, const float *z,
                        const float *a, float *d, bf16_pair *a_to, bf16_pair *d_to, size_t ld_to);

#endif
