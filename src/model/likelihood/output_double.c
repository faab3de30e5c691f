/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_double.h"

#include "base/real.h"
#include "math/portable_math.h"
#include "math/portable_softmax.h"
#include "math/vector_math.h"

#include <string.h>

LEAF_KERNEL void logistic_apply_row(size_t n, double *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double e = exp(-fabs(z[i]));
        z[i] = (z[i] > 0 ? 1 : e) / (1 + e);
    }
}

LEAF_KERNEL void logistic_slope_row(size_t n, const double *restrict o, double *restrict slope)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        slope[i] = o[i] * (1 - o[i]);
}

LEAF_KERNEL static void logistic_all(size_t n, const double *restrict z, double *restrict o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        o[i] = 1 / (1 + portable_exp(-z[i]));
}

void logistic_predict(size_t n_outputs, size_t stride, double *z, double *o, double *work)
{
    (void)work;
    logistic_all(n_outputs * stride, z, o);
}

LEAF_KERNEL void exp_apply_row(size_t n, double *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = exp(z[i]);
}

void exp_slope_row(size_t n, const double *o, double *slope)
{
    memcpy(slope, o, n * sizeof *o);
}

void exp_predict(size_t n_outputs, size_t stride, double *z, double *o, double *work)
{
    (void)work;
    memcpy(o, z, n_outputs * stride * sizeof *z);
    portable_exp_all(n_outputs * stride, o);
}

void exp_jacobian(size_t n_outputs, size_t n_inputs, const double *o, double *slope, double *mean)
{
    (void)mean;
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t c = 0; c < n_inputs; c++)
            slope[k * n_inputs + c] *= o[k];
}

void softmax_predict(size_t n_outputs, size_t stride, double *z, double *o, double *work)
{
    portable_softmax(n_outputs, stride, z, o, work, work + stride);
}

void logistic_jacobian(size_t n_outputs, size_t n_inputs, const double *o, double *slope,
                       double *mean)
{
    (void)mean;
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t c = 0; c < n_inputs; c++)
            slope[k * n_inputs + c] *= o[k] * (1 - o[k]);
}

/* do_k = o_k (dz_k - sum_j o_j dz_j) */
void softmax_jacobian(size_t n_outputs, size_t n_inputs, const double *o, double *slope,
                      double *mean)
{
    memset(mean, 0, n_inputs * sizeof *mean);
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t c = 0; c < n_inputs; c++)
            mean[c] += o[k] * slope[k * n_inputs + c];
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t c = 0; c < n_inputs; c++)
            slope[k * n_inputs + c] = o[k] * (slope[k * n_inputs + c] - mean[c]);
}
