/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_COMMITTEE_H
#define COTERIE_MODEL_COMMITTEE_H

#include "base/real.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A committee: M mixtures of E/M experts each, its members, that learn side by side and predict as
 * one mixture of all E experts, in which every member weighs 1/M:
 *
 *     p(d|x) = 1/M sum_m sum_{e in m} softmax_m(z)_e p_e(d|x)
 *
 * Member m has the experts m E/M .. (m+1) E/M - 1. Each learns by itself: its error is its own
 * -log sum, as if it were alone. Member m does not learn from samples of fold m modulo F, so
 * that what it says of them is an honest prediction, and that of all members of a fold together an
 * honest one of a smaller committee. Blocks are (E, samples), rows `stride` apart; fold (stride)
 * is FOLD_NONE for what all members see. In objective.c. All functions are Local.
 */
enum { FOLD_NONE = 255, COMMITTEE_MOST = 64 };

/* F: M up to 5; for more the largest divisor of M up to 5, if there is one. */
size_t committee_folds(size_t n_members);

/* From logits z, which may be log_g: the softmax of each member, over M. */
void committee_forward(size_t n_members, size_t n_experts, size_t stride, const real *z, real *g,
                       real *log_g);

/* Only what the member says that has not learned from a sample: g becomes that member's softmax, 0
 * elsewhere, and log_g far below any other (ROUTING_NOT_CHOSEN). */
void committee_show_unseen(size_t n_members, size_t n_experts, size_t stride, const uint8_t *fold,
                           real *g, real *log_g);

/*
 * Within member m, h = softmax(log g + l); coefficient = w h weighs the experts' gradients, and at
 * the gate's logits dE = w (M g - h); both are 0 for samples of fold m. log_sum is that of the
 * whole: log sum_e g_e exp(l_e).
 */
void committee_objective(size_t n_members, size_t n_experts, size_t stride, const real *w,
                         const uint8_t *fold, const real *log_g, const real *g, const real *loglik,
                         real *coefficient, real *d_logit, double *log_sum);

#endif
