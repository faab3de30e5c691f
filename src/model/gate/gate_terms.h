/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GATE_TERMS_H
#define COTERIE_MODEL_GATE_TERMS_H

#include "base/real.h"

#include <stddef.h>

/*
 * Terms that are added to the error for the gate's sake. Blocks are (E, samples), rows `stride`
 * apart; w (stride) is each sample's share of its batch, 0 in the padding. g and log_g may be those
 * of --top-k: g = 0 where an expert was not chosen. Sums over experts run in expert order and in
 * double. All functions are Local.
 */

/* Each expert's part of a micro-batch, use (E): sum_n w_n g_e / sum_n w_n; 0 without weights. */
void gate_terms_use(size_t n_experts, size_t stride, const real *w, const real *g, double *use);

/*
 * The balance term where all experts compute all samples: `weight` times the squared coefficient of
 * variation of the experts' use (Shazeer et al. 2017, eq. 7), CV^2 = E sum_e use_e^2 - 1, for a
 * micro-batch with its share sum_n w_n. Adds its gradient at the logits,
 *     d_logit_e += 2 weight E w_n g_e (use_e - sum_i use_i g_i)
 */
void gate_terms_balance(size_t n_experts, size_t stride, double weight, const real *w,
                        const real *g, const double *use, real *d_logit);

/*
 * `weight` times the gate's entropy, H = -sum_e g_e log g_e, of each sample. Positive: the gate
 * comes to decide; negative: it spreads samples over experts. Adds its gradient at the logits,
 *     d_logit_e -= weight w_n g_e (log g_e + H)
 */
void gate_terms_entropy(size_t n_experts, size_t stride, double weight, const real *w,
                        const real *g, const real *log_g, real *d_logit);

#endif
