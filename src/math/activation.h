/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_ACTIVATION_H
#define COTERIE_MATH_ACTIVATION_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Activations of blocks (units, samples): row u, `stride` reals apart, holds unit u for all
 * samples. Rows begin at 64 bytes and stride is a whole number of lines; every loop runs over whole
 * rows, so that the result for a sample does not depend on where a vector loop ends. Local.
 */
enum activation {
    ACTIVATION_IDENTITY,
    ACTIVATION_TANH,
    ACTIVATION_RELU,
    ACTIVATION_GELU, /* x Phi(x), with the normal distribution function Phi (exact, by erf) */
    ACTIVATION_LOGISTIC
};

/* True if the derivative needs z, so that z and a must be different blocks. */
bool activation_keeps_z(enum activation kind);

/* z[u] += bias[u]; a = f(z). a may be z unless activation_keeps_z. */
void activation_forward(enum activation kind, size_t units, size_t stride, const real *bias,
                        real *z, real *a);

/* d *= f'(z), from a where that is enough. */
void activation_backward(enum activation kind, size_t units, size_t stride, const real *z,
                         const real *a, real *d);

/* sums[u] = keep * sums[u] + sum over the row of d[u]; the sum is made in double. */
void activation_row_sums(size_t units, size_t stride, const real *d, real keep, real *sums);

/* The same over `count` blocks (units, width), one behind the other. */
void activation_tile_sums(size_t units, size_t count, size_t width, const real *d, real keep,
                          real *sums);

#endif
