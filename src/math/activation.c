/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/activation.h"

#include "math/lanes.h"
#include "math/vector_math.h"

bool activation_keeps_z(enum activation kind)
{
    return kind == ACTIVATION_GELU;
}

LEAF_KERNEL static void identity_rows(size_t units, size_t n, const real *restrict bias,
                                      const real *z, real *a)
{
    for (size_t u = 0; u < units; u++, z += n, a += n) {
        real b = bias[u];
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            a[i] = z[i] + b;
    }
}

LEAF_KERNEL static void tanh_rows(size_t units, size_t n, const real *restrict bias, const real *z,
                                  real *a)
{
    for (size_t u = 0; u < units; u++, z += n, a += n) {
        real b = bias[u];
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            a[i] = real_tanh(z[i] + b);
    }
}

LEAF_KERNEL static void relu_rows(size_t units, size_t n, const real *restrict bias, const real *z,
                                  real *a)
{
    for (size_t u = 0; u < units; u++, z += n, a += n) {
        real b = bias[u];
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            real value = z[i] + b;
            /* Written so that a NaN stays one: the run must notice it. */
            a[i] = value < 0 ? 0 : value;
        }
    }
}

LEAF_KERNEL static void gelu_rows(size_t units, size_t n, const real *restrict bias,
                                  real *restrict z, real *restrict a)
{
    const real inverse_root_2 = (real)0.70710678118654752440;
    for (size_t u = 0; u < units; u++, z += n, a += n) {
        real b = bias[u];
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            real value = z[i] + b;
            z[i] = value;
            a[i] = (real)0.5 * value * (1 + real_erf(value * inverse_root_2));
        }
    }
}

LEAF_KERNEL static void logistic_rows(size_t units, size_t n, const real *restrict bias,
                                      const real *z, real *a)
{
    for (size_t u = 0; u < units; u++, z += n, a += n) {
        real b = bias[u];
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            a[i] = 1 / (1 + real_exp(-(z[i] + b)));
    }
}

void activation_forward(enum activation kind, size_t units, size_t stride, const real *bias,
                        real *z, real *a)
{
    switch (kind) {
    case ACTIVATION_IDENTITY:
        identity_rows(units, stride, bias, z, a);
        break;
    case ACTIVATION_TANH:
        tanh_rows(units, stride, bias, z, a);
        break;
    case ACTIVATION_RELU:
        relu_rows(units, stride, bias, z, a);
        break;
    case ACTIVATION_GELU:
        gelu_rows(units, stride, bias, z, a);
        break;
    case ACTIVATION_LOGISTIC:
        logistic_rows(units, stride, bias, z, a);
        break;
    }
}

LEAF_KERNEL static void tanh_slope(size_t n, const real *restrict a, real *restrict d)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d[i] *= 1 - a[i] * a[i];
}

LEAF_KERNEL static void relu_slope(size_t n, const real *restrict a, real *restrict d)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d[i] = a[i] > 0 ? d[i] : 0;
}

/* d/dz z Phi(z) = Phi(z) + z phi(z) */
LEAF_KERNEL static void gelu_slope(size_t n, const real *restrict z, real *restrict d)
{
    const real inverse_root_2 = (real)0.70710678118654752440;
    const real inverse_root_2pi = (real)0.39894228040143267794;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        real distribution = (real)0.5 * (1 + real_erf(z[i] * inverse_root_2));
        real density = inverse_root_2pi * real_exp((real)-0.5 * z[i] * z[i]);
        d[i] *= distribution + z[i] * density;
    }
}

LEAF_KERNEL static void logistic_slope(size_t n, const real *restrict a, real *restrict d)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d[i] *= a[i] * (1 - a[i]);
}

void activation_backward(enum activation kind, size_t units, size_t stride, const real *z,
                         const real *a, real *d)
{
    size_t n = units * stride;
    switch (kind) {
    case ACTIVATION_IDENTITY:
        break;
    case ACTIVATION_TANH:
        tanh_slope(n, a, d);
        break;
    case ACTIVATION_RELU:
        relu_slope(n, a, d);
        break;
    case ACTIVATION_GELU:
        gelu_slope(n, z, d);
        break;
    case ACTIVATION_LOGISTIC:
        logistic_slope(n, a, d);
        break;
    }
}

/* rows is a number that the compiler knows: their sums stay in registers, one beside the other. */
__attribute__((always_inline)) static inline void sums_of_rows(size_t rows, size_t count,
                                                               size_t step, size_t width,
                                                               const real *d, real keep,
                                                               real *restrict sums)
{
    doubles sum[4][LINE_PARTS] = {{{0}}};
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < width; i += REALS_PER_LINE)
            for (size_t r = 0; r < rows; r++) {
                doubles v[LINE_PARTS];
                line_widen((const line *)(d + t * step + r * width + i), v);
                for (int part = 0; part < LINE_PARTS; part++)
                    sum[r][part] += v[part];
            }
    for (size_t r = 0; r < rows; r++) {
        for (int part = 1; part < LINE_PARTS; part++)
            sum[r][0] += sum[r][part];
        /* Not keep * sums: what was there may be unset. */
        sums[r] = (real)((keep != 0 ? (double)sums[r] : 0) + doubles_sum(&sum[r][0]));
    }
}

LEAF_KERNEL void activation_tile_sums(size_t units, size_t count, size_t width, const real *d,
                                      real keep, real *restrict sums)
{
    size_t u = 0;
    for (; u + 4 <= units; u += 4)
        sums_of_rows(4, count, units * width, width, d + u * width, keep, sums + u);
    for (; u < units; u++)
        sums_of_rows(1, count, units * width, width, d + u * width, keep, sums + u);
}

void activation_row_sums(size_t units, size_t stride, const real *d, real keep, real *sums)
{
    activation_tile_sums(units, 1, stride, d, keep, sums);
}
