/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/likelihood.h"

#include "math/softmax.h"
#include "math/vector_math.h"

#include <stdbool.h>
#include <string.h>

/* square = sum over the outputs of (d - o)^2 */
LEAF_KERNEL static void sum_squares(size_t n_outputs, size_t n, const real *restrict d,
                                    const real *restrict o, real *restrict square)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        square[i] = (d[i] - o[i]) * (d[i] - o[i]);
    for (size_t k = 1; k < n_outputs; k++)
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            real residual = d[k * n + i] - o[k * n + i];
            square[i] += residual * residual;
        }
}

LEAF_KERNEL static void logistic_in_place(size_t n, real *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = 1 / (1 + real_exp(-z[i]));
}

/* loglik += d z - ln(1 + e^z), which is d ln o + (1 - d) ln(1 - o) without cancellation */
LEAF_KERNEL static void add_bernoulli(size_t n, const real *restrict d, const real *restrict z,
                                      real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        real positive = z[i] > 0 ? z[i] : 0;
        loglik[i] += d[i] * z[i] - positive - real_log1p(real_exp(-real_abs(z[i])));
    }
}

/* loglik += d ln o; 0 ln 0 is 0 */
LEAF_KERNEL static void add_categorical(size_t n, const real *restrict d,
                                        const real *restrict log_o, real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        loglik[i] += d[i] != 0 ? d[i] * log_o[i] : 0;
}

LEAF_KERNEL static void exp_in_place(size_t n, real *log_o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_o[i] = real_exp(log_o[i]);
}

LEAF_KERNEL static void gaussian_row(size_t n, real scale, real offset, const real *restrict square,
                                     real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        loglik[i] = scale * square[i] + offset;
}

static void apply_output(enum output_kind output, size_t n_outputs, size_t stride, real *z)
{
    switch (output) {
    case OUTPUT_IDENTITY:
        break;
    case OUTPUT_LOGISTIC:
        logistic_in_place(n_outputs * stride, z);
        break;
    case OUTPUT_SOFTMAX:
        softmax_forward(n_outputs, stride, z, NULL, z);
        exp_in_place(n_outputs * stride, z);
        break;
    }
}

/* The families whose log-likelihood is formed from z (or log o) before o replaces it. */
static void discrete_forward(const struct likelihood *likelihood, size_t stride, const real *d,
                             real *z, real *loglik)
{
    size_t n_outputs = likelihood->n_outputs;
    memset(loglik, 0, stride * sizeof(real));
    if (likelihood->kind == LIKELIHOOD_BERNOULLI) {
        for (size_t k = 0; k < n_outputs; k++)
            add_bernoulli(stride, d + k * stride, z + k * stride, loglik);
        logistic_in_place(n_outputs * stride, z);
    } else {
        softmax_forward(n_outputs, stride, z, NULL, z);
        for (size_t k = 0; k < n_outputs; k++)
            add_categorical(stride, d + k * stride, z + k * stride, loglik);
        exp_in_place(n_outputs * stride, z);
    }
}

void likelihood_forward(const struct likelihood *likelihood, double variance, size_t stride,
                        const real *d, real *z_to_o, real *loglik, real *square)
{
    size_t n_outputs = likelihood->n_outputs;
    bool gaussian = likelihood->kind == LIKELIHOOD_GAUSSIAN;
    if (gaussian || !d)
        apply_output(likelihood->output, n_outputs, stride, z_to_o);
    else
        discrete_forward(likelihood, stride, d, z_to_o, loglik);
    if (!d)
        return;
    sum_squares(n_outputs, stride, d, z_to_o, square);
    if (gaussian)
        gaussian_row(stride, (real)(-0.5 / variance),
                     (real)(-0.5 * (double)n_outputs * log(variance)), square, loglik);
}

/* d_o = -coefficient * scale * (d - prediction) */
LEAF_KERNEL static void residuals(size_t n_outputs, size_t n, real scale, const real *restrict d,
                                  const real *prediction, const real *restrict coefficient,
                                  real *restrict d_o)
{
    for (size_t k = 0; k < n_outputs; k++, d += n, prediction += n, d_o += n)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            d_o[i] = coefficient[i] * scale * (prediction[i] - d[i]);
}

LEAF_KERNEL static void logistic_chain(size_t n, const real *restrict o, real *restrict d_o)
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

static void residual_backward(const struct likelihood *likelihood, real scale, size_t stride,
                              const real *d, const real *prediction, const real *o,
                              const real *coefficient, real *d_z)
{
    size_t n_outputs = likelihood->n_outputs;
    residuals(n_outputs, stride, scale, d, prediction, coefficient, d_z);
    if (likelihood->output == OUTPUT_LOGISTIC)
        logistic_chain(n_outputs * stride, o, d_z);
    else if (likelihood->output == OUTPUT_SOFTMAX)
        softmax_chain(n_outputs, stride, o, d_z);
}

void likelihood_backward(const struct likelihood *likelihood, double variance, size_t stride,
                         const real *d, const real *o, const real *coefficient, real *d_z)
{
    if (likelihood->kind == LIKELIHOOD_GAUSSIAN) {
        residual_backward(likelihood, (real)(1 / variance), stride, d, o, o, coefficient, d_z);
        return;
    }
    /* Bernoulli with logistic and categorical with softmax outputs: d l / d z = d - o. */
    residuals(likelihood->n_outputs, stride, 1, d, o, coefficient, d_z);
}

void likelihood_backward_square(const struct likelihood *likelihood, size_t stride, const real *d,
                                const real *prediction, const real *o, const real *coefficient,
                                real *d_z)
{
    residual_backward(likelihood, 1, stride, d, prediction, o, coefficient, d_z);
}

LEAF_KERNEL static double weighted_excess(size_t n, double half_outputs, double half_precision,
                                          const real *restrict square,
                                          const real *restrict coefficient)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)coefficient[i] * (half_outputs - half_precision * (double)square[i]);
    return sum;
}

double likelihood_variance_gradient(const struct likelihood *likelihood, double variance,
                                    size_t stride, const real *square, const real *coefficient)
{
    return weighted_excess(stride, 0.5 * (double)likelihood->n_outputs, 0.5 / variance, square,
                           coefficient);
}

LEAF_KERNEL static void agreement_row(size_t n, const real *restrict d, const real *restrict o,
                                      const real *restrict y, real *restrict agreement)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        agreement[i] += (d[i] - y[i]) * (o[i] - y[i]);
}

void likelihood_agreement(const struct likelihood *likelihood, size_t stride, const real *d,
                          const real *o, const real *y, real *agreement)
{
    memset(agreement, 0, stride * sizeof(real));
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        agreement_row(stride, d + k * stride, o + k * stride, y + k * stride, agreement);
}
