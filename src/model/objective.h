/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_OBJECTIVE_H
#define COTERIE_MODEL_OBJECTIVE_H

#include "base/real.h"

#include <stddef.h>

/*
 * The three error functions of Jacobs, Jordan, Nowlan & Hinton 1991 at the root, from what all E
 * experts said of a micro-batch. Blocks are (E, samples), rows `stride` apart; sums over experts
 * run in expert order. w (stride) is each sample's share of its batch, 0 in the padding. Local.
 *
 *   (1.1) cooperative  |d - y|^2,  y = sum_e g_e o_e
 *   (1.2) competitive  sum_e g_e q_e
 *   (1.3) mixture      -log sum_e g_e exp(l_e)
 */
enum error_kind { ERROR_COOPERATIVE, ERROR_COMPETITIVE, ERROR_MIXTURE };

/*
 * (1.3): h = softmax_e(log g + l) and log_sum = log sum_e g_e exp(l_e), so the error is -log_sum;
 * coefficient = w h weighs the experts' gradients, and at the gate's logits dE = w (g - h).
 */
void objective_mixture(size_t n_experts, size_t stride, const real *w, const real *log_g,
                       const real *g, const real *loglik, real *coefficient, real *d_logit,
                       double *log_sum);

/*
 * (1.3), annealed (Ueda & Nakano 1998), 0 < beta < 1: h = softmax_e(beta (log g + l)), a posterior
 * less sure of itself. What coefficient and d_logit, with this h, are the gradient of is
 *
 *     F = -1/beta log sum_e (g_e exp(l_e))^beta
 *
 * since dF/dl_e = -h_e, and at the logits dF = sum_e -h_e d(log g_e) = g - h. log_sum is that of
 * beta = 1: the error that is reported.
 */
void objective_annealed_mixture(double beta, size_t n_experts, size_t stride, const real *w,
                                const real *log_g, const real *g, const real *loglik,
                                real *coefficient, real *d_logit, double *log_sum);

/*
 * (1.2): error = sum_e g_e q_e; coefficient = 2 w g; at the logits dE = w g (q - error).
 */
void objective_competitive(size_t n_experts, size_t stride, const real *w, const real *g,
                           const real *square, real *coefficient, real *d_logit, double *error);

/* (1.1), experts: coefficient = 2 w g. */
void objective_cooperative(size_t n_experts, size_t stride, const real *w, const real *g,
                           real *coefficient);

/* (1.1), gate: at the logits dE = -2 w g_e (d - y)^T (o_e - y). */
void objective_cooperative_gate(size_t n_experts, size_t stride, const real *w, const real *g,
                                const real *agreement, real *d_logit);

#endif
