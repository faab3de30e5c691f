#include "coterie/math/activation.h"

#include "coterie/math/vector_math.h"

bool activation_keeps_z(enum activation kind)
{
    return kind == ACTIVATION_GELU;
}

LEAF_KERNEL static void identity_rows(size_t units, size_t n, const real *restrict bias, real *z,
                                      real *a)
{
    for (size_t u = 0; u < units; u++, z += n, a += n) {
        real b = bias[u];
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            z[i] = z[i] + b;
            a[i] = z[i];
        }
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

/* Sums in eight lanes: the reduction that a compiler makes adds its lanes one after the other. */
enum { LANES = 8 };
typedef real reals __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real))));
typedef double doubles __attribute__((vector_size(LANES * sizeof(double))));

LEAF_KERNEL void activation_tile_sums(size_t units, size_t count, size_t width, const real *d,
                                      real keep, real *restrict sums)
{
    for (size_t u = 0; u < units; u++) {
        doubles v = {0};
        for (size_t t = 0; t < count; t++) {
            const real *row = d + (t * units + u) * width;
            for (size_t i = 0; i < width; i += LANES)
                v += __builtin_convertvector(*(const reals *)(row + i), doubles);
        }
        double sum = ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
        /* Not keep * sums: what was there may be unset. */
        sums[u] = (real)((keep != 0 ? (double)sums[u] : 0) + sum);
    }
}

void activation_row_sums(size_t units, size_t stride, const real *d, real keep, real *sums)
{
    activation_tile_sums(units, 1, stride, d, keep, sums);
}
