/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/portable_softmax.h"

#include "base/real.h"
#include "math/portable_math.h"

#include <string.h>

LEAF_KERNEL void portable_exp_all(size_t n, double *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = portable_exp(z[i]);
}

/* z becomes z - max over the rows; most (width) */
static void subtract_largest(size_t rows, size_t width, double *z, double *most)
{
    memcpy(most, z, width * sizeof *most);
    for (size_t r = 1; r < rows; r++)
        for (size_t t = 0; t < width; t++)
            most[t] = z[r * width + t] > most[t] ? z[r * width + t] : most[t];
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < width; t++)
            z[r * width + t] -= most[t];
}

void portable_softmax(size_t rows, size_t width, double *z, double *p, double *sum, double *most)
{
    subtract_largest(rows, width, z, most);
    memcpy(p, z, rows * width * sizeof *p);
    portable_exp_all(rows * width, p);
    memset(sum, 0, width * sizeof *sum);
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < width; t++)
            sum[t] += p[r * width + t];
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < width; t++)
            p[r * width + t] /= sum[t];
}
