/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/likelihood/output.h"

#include "output_double.h"

#include "math/softmax.h"
#include "math/vector_math.h"

LEAF_KERNEL static void logistic_in_place(size_t n, real *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = 1 / (1 + real_exp(-z[i]));
}

LEAF_KERNEL static void exp_in_place(size_t n, real *log_o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_o[i] = real_exp(log_o[i]);
}

LEAF_KERNEL static void logistic_slope(size_t n, const real *restrict o, real *restrict d_o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d_o[i] *= o[i] * (1 - o[i]);
}

LEAF_KERNEL static void add_product(size_t n, const real *restrict a, const real *restrict b,
                                    real *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] += a[i] * b[i];
}

LEAF_KERNEL static void softmax_chain_row(size_t n, const real *restrict o,
                                          const real *restrict mean, real *restrict d_o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d_o[i] = o[i] * (d_o[i] - mean[i]);
}

/* Samples are taken in tiles so that the sum over outputs needs no array of its own. */
enum { TILE = 256 };

/* dz_k = o_k (do_k - sum_j do_j o_j) */
static void softmax_chain(size_t n_outputs, size_t stride, const real *o, real *d_o)
{
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        _Alignas(REAL_ALIGNMENT) real mean[TILE] = {0};
        for (size_t k = 0; k < n_outputs; k++)
            add_product(n, o + k * stride + at, d_o + k * stride + at, mean);
        for (size_t k = 0; k < n_outputs; k++)
            softmax_chain_row(n, o + k * stride + at, mean, d_o + k * stride + at);
    }
}

static void logistic_apply(size_t n_outputs, size_t stride, real *z_to_o)
{
    logistic_in_place(n_outputs * stride, z_to_o);
}

static void logistic_chain(size_t n_outputs, size_t stride, const real *o, real *d)
{
    logistic_slope(n_outputs * stride, o, d);
}

static void softmax_apply(size_t n_outputs, size_t stride, real *z_to_o)
{
    softmax_forward(n_outputs, stride, z_to_o, NULL, z_to_o);
    exp_in_place(n_outputs * stride, z_to_o);
}

LEAF_KERNEL static void exp_slope(size_t n, const real *restrict o, real *restrict d_o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d_o[i] *= o[i];
}

static void exp_apply(size_t n_outputs, size_t stride, real *z_to_o)
{
    exp_in_place(n_outputs * stride, z_to_o);
}

static void exp_chain(size_t n_outputs, size_t stride, const real *o, real *d)
{
    exp_slope(n_outputs * stride, o, d);
}

const struct output_function output_functions[] = {
    [OUTPUT_IDENTITY] = {.least = 1, .flops = 40, .is_unit_free = true},
    [OUTPUT_LOGISTIC] = {.bound = 1,
                         .least = 1,
                         .flops = 80,
                         .decides_each = true,
                         .apply = logistic_apply,
                         .chain = logistic_chain,
                         .apply_row = logistic_apply_row,
                         .slope_row = logistic_slope_row,
                         .predict = logistic_predict,
                         .jacobian = logistic_jacobian},
    [OUTPUT_SOFTMAX] = {.bound = 1,
                        .least = 2,
                        .flops = 160,
                        .is_redundant = true,
                        .apply = softmax_apply,
                        .chain = softmax_chain,
                        .predict = softmax_predict,
                        .jacobian = softmax_jacobian},
    [OUTPUT_EXP] = {.least = 1,
                    .flops = 80,
                    .is_log_link = true,
                    .apply = exp_apply,
                    .chain = exp_chain,
                    .apply_row = exp_apply_row,
                    .slope_row = exp_slope_row,
                    .predict = exp_predict,
                    .jacobian = exp_jacobian},
};

#define NAME(KIND, name) [KIND] = (name),
const char *const output_names[] = {OUTPUT_FUNCTIONS(NAME)};
