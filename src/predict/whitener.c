/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict/whitener.h"

#include <math.h>
#include <stdbool.h>
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

size_t whitener_work(size_t n)
{
    return n * n + n;
}

double whitener_form(size_t n, double alpha, const double *covariance, double *work,
                     double *whitener)
{
    /* An expert that has lost all samples: ln 0 is a number, so that sums stay finite. */
    const double least_alpha = 1e-30;
    double log_det = whiten(n, covariance, work + n * n, work, whitener);
    return log(fmax(alpha, least_alpha)) - 0.5 * log_det;
}
