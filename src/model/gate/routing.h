/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_ROUTING_H
#define COTERIE_MODEL_ROUTING_H

#include "base/real.h"

#include <stddef.h>

/*
 * --top-k: each sample is computed by the K experts of largest mixing proportion only (Shazeer et
 * al. 2017). Blocks are (E, samples), rows `stride` apart; p and log_p are the gate's softmax over
 * all experts. All functions are Local.
 *
 * The proportions of the chosen are divided by their sum. That is the softmax over the logits of
 * the chosen alone, so the mixture error (1.3) keeps its gradient at the logits, w (g - h), with
 * g = h = 0 for experts that were not chosen.
 */

/*
 * From p and log_p to g and log_g of the chosen, in place; for the others g = 0, and log_g is so
 * far below any other (ROUTING_NOT_CHOSEN) that their posterior is 0. Among equal proportions the
 * lowest expert is chosen first. An expert is chosen where g > 0.
 */
#define ROUTING_NOT_CHOSEN ((real)-1e30)
void routing_choose(size_t n_experts, size_t k, size_t stride, real *p_to_g, real *log_p_to_log_g);

/* The sum of the weights w (stride), in double. */
double routing_total(size_t stride, const real *w);

/*
 * The load of each expert, load (E): its share of all places, sum_n w_n [g_e > 0] / (K sum_n w_n).
 * 0 if no sample has a weight.
 */
void routing_load(size_t n_experts, size_t k, size_t stride, const real *w, const real *g,
                  double *load);

/*
 * Adds, at the logits, the gradient of `weight` times the balance term of a micro-batch (Fedus,
 * Zoph & Shazeer 2022, eq. 4), with each sample's share w of its batch in place of their mean: E
 * sum_n w_n sum_e load_e p_e(n) which is least when all experts have equal shares. The load counts
 * as a constant: d_logit_e += weight E w_n p_e (load_e - sum_i load_i p_i)
 */
void routing_balance_gradient(size_t n_experts, size_t stride, double weight, const real *w,
                              const real *p, const double *load, real *d_logit);

#endif
