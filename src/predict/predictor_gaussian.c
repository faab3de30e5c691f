/* SPDX-License-Identifier: BSD-3-Clause */
/* The Gaussian gate (Xu, Jordan & Hinton 1994), in double. */
#include "predictor_state.h"

#include "base/memory.h"
#include "model/gate/gate_gaussian.h"

#include <math.h>
#include <string.h>

/*
 * Cholesky factor L (lower, in place) of A scaled to a diagonal of ones, scale (n) its factors; a
 * variance of 0 has the scale 0. False if A is not positive definite.
 */
static bool factor(size_t n, const double *scale, const double *a, double ridge, double *l)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j ? 1 + ridge : scale[i] * scale[j] * a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= l[i * n + k] * l[j * n + k];
            if (i == j && !(sum > 0))
                return false;
            l[i * n + j] = i == j ? sqrt(sum) : sum / l[j * n + j];
        }
    return true;
}

/* W = L^-1 diag(scale) (lower); W A W^T = 1. Returns ln |A|. `l` (n, n), `scale` (n): work. */
static double whiten(size_t n, const double *a, double *scale, double *l, double *w)
{
    double log_det = 0, ridge = 0;
    for (size_t i = 0; i < n; i++)
        scale[i] = a[i * n + i] > 0 ? 1 / sqrt(a[i * n + i]) : 0;
    for (int attempt = 0; attempt < 12 && !factor(n, scale, a, ridge, l); attempt++)
        ridge = ridge > 0 ? 10 * ridge : 1e-7;
    memset(w, 0, n * n * sizeof *w);
    for (size_t i = 0; i < n; i++) {
        if (scale[i] > 0)
            log_det += 2 * log(l[i * n + i] / scale[i]);
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j;
            for (size_t k = j; k < i; k++)
                sum -= l[i * n + k] * w[k * n + j];
            w[i * n + j] = sum / l[i * n + i];
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            w[i * n + j] = scale[i] > 0 ? w[i * n + j] * scale[j] : 0;
    return log_det;
}

static status prepare(struct predictor *predictor, const real *gate)
{
    /* An expert that has lost all samples: ln 0 is a number, so that sums stay finite. */
    const double least_alpha = 1e-30;
    size_t n = predictor->n_experts, d = predictor->n_inputs, square = d * d;
    struct gaussian_gate_layout layout = gaussian_gate_layout(n, d);
    double *room = NULL;
    status outcome = memory_alloc(&predictor->constant, n, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&predictor->mean, n * d, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&predictor->whitener, n * square, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&room, 2 * square + d, sizeof(double), "a model");
    for (size_t e = 0; e < n && outcome == STATUS_OK; e++) {
        for (size_t i = 0; i < d; i++)
            predictor->mean[e * d + i] = (double)gate[layout.mean_at + e * d + i];
        for (size_t i = 0; i < square; i++)
            room[i] = (double)gate[layout.covariance_at + e * square + i];
        double log_det =
            whiten(d, room, room + 2 * square, room + square, predictor->whitener + e * square);
        double alpha = (double)gate[layout.alpha_at + e];
        predictor->constant[e] = log(fmax(alpha, least_alpha)) - 0.5 * log_det;
    }
    memory_free(&room);
    return outcome;
}

/* z_e = ln alpha_e - 1/2 ln |S_e| - 1/2 |W_e (x - m_e)|^2 (Xu, Jordan & Hinton 1994) */
static void logits(const struct predictor *predictor, const struct work *work, double *z)
{
    size_t d = predictor->n_inputs, width = work->block.stride;
    for (size_t e = 0; e < predictor->n_experts; e++) {
        const double *w = predictor->whitener + e * d * d, *mean = predictor->mean + e * d;
        for (size_t t = 0; t < width; t++) {
            double square = 0;
            for (size_t i = 0; i < d; i++) {
                double sum = 0;
                for (size_t j = 0; j <= i; j++)
                    sum += w[i * d + j] * (work->scaled[j * width + t] - mean[j]);
                square += sum * sum;
            }
            z[e * width + t] = predictor->constant[e] - 0.5 * square;
        }
    }
}

/* dz_e/dx = -W_e^T W_e (x - m_e), (E, D) */
static void slopes(const struct predictor *predictor, const struct work *work, double *slope)
{
    size_t d = predictor->n_inputs;
    for (size_t e = 0; e < predictor->n_experts; e++) {
        const double *w = predictor->whitener + e * d * d, *mean = predictor->mean + e * d;
        double *out = slope + e * d;
        memset(out, 0, d * sizeof *out);
        for (size_t i = 0; i < d; i++) {
            double sum = 0;
            for (size_t j = 0; j <= i; j++)
                sum += w[i * d + j] * (work->scaled[j] - mean[j]);
            for (size_t j = 0; j <= i; j++)
                out[j] -= w[i * d + j] * sum;
        }
    }
}

const struct predictor_gate predictor_gaussian = {prepare, logits, slopes};
