/* SPDX-License-Identifier: BSD-3-Clause */
/* The Gaussian gate (Xu, Jordan & Hinton 1994), in double. */
#include "predictor_state.h"

#include "base/memory.h"
#include "model/gate/gate_gaussian.h"
#include "predict/whitener.h"

#include <string.h>

static status prepare(struct predictor *predictor, const real *gate)
{
    size_t n = predictor->n_experts, d = predictor->n_inputs, square = d * d;
    struct gaussian_gate_layout layout = gaussian_gate_layout(n, d);
    double *room = NULL; /* a covariance, and work space */
    status outcome = memory_alloc(&predictor->constant, n, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&predictor->mean, n * d, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&predictor->whitener, n * square, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&room, square + whitener_work(d), sizeof(double), "a model");
    for (size_t e = 0; e < n && outcome == STATUS_OK; e++) {
        for (size_t i = 0; i < d; i++)
            predictor->mean[e * d + i] = (double)gate[layout.mean_at + e * d + i];
        for (size_t i = 0; i < square; i++)
            room[i] = (double)gate[layout.covariance_at + e * square + i];
        predictor->constant[e] = whitener_form(d, (double)gate[layout.alpha_at + e], room,
                                               room + square, predictor->whitener + e * square);
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
