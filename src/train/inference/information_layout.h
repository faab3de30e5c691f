/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_INFORMATION_LAYOUT_H
#define COTERIE_TRAIN_INFERENCE_INFORMATION_LAYOUT_H

#include "base/status.h"
#include "model/model_config.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The observed information of a mixture with a linear softmax gate and linear experts: minus the
 * second derivatives of its log-likelihood sum_n w_n ln sum_e g_e exp(l_e), at any parameters
 * (Louis 1982). All networks see the inputs x with x_0 = 1 for the bias, so that the derivatives by
 * weights follow from those by the components a: the gate's logits z_e, the outputs o_ek of each
 * expert, and ln of variance and freedom where they are learned, which have x_0 alone.
 *
 * With u_a = dl_e/da of an expert's components, u = 1 of its logit, and the joint scores
 * S_a = h_e u_a, minus the second derivative by a (of expert e) and b (of expert f) is
 *
 *   S_a S_b  +  [e = f] h_e (c_ab - u_a u_b)  +  [both logits] ([e = f] g_e - g_e g_f)
 *
 * where c_ab = -d2 l_e/da db, 0 with a logit; and the score by a is S_a, less g_e of a logit.
 */
struct information_layout {
    size_t n_experts, n_outputs;
    size_t n_units;                 /* W: inputs and the bias, which is unit 0 */
    size_t n_logits;                /* E; 0 for one expert, which has no gate */
    size_t n_linear;                /* components with W units: logits, then outputs by expert */
    bool is_learned[N_DISPERSIONS]; /* variance, freedom */
    size_t n_components;            /* M: those, then what is learned of these, by expert */
    bool has_outer;                 /* the outer products of scores are summed, too */
    size_t *block_at;               /* (M, M) of a <= b: where the block of a and b begins, owned */
    /* From 0, sum w x x^T as moments; then scores (M, W) and the log-likelihood. */
    size_t score_at, loglik_at;
    size_t outer_offset; /* from a block to the same of outer products */
    size_t n_sums;
    struct input_choice logits_see, outputs_see; /* of the inputs */
};

/* Which component something is. Local, as all functions here. */
static inline size_t information_logit(const struct information_layout *layout, size_t e)
{
    (void)layout;
    return e;
}
static inline size_t information_output(const struct information_layout *layout, size_t e, size_t k)
{
    return layout->n_logits + e * layout->n_outputs + k;
}
/* One that is learned. */
static inline size_t information_dispersion(const struct information_layout *layout, int which,
                                            size_t e)
{
    bool is_second = which == BY_FREEDOM && layout->is_learned[BY_VARIANCE];
    return layout->n_linear + (is_second ? layout->n_experts : 0) + e;
}
/* The other way, of a component behind the linear ones. */
static inline int information_which(const struct information_layout *layout, size_t a, size_t *e)
{
    size_t at = a - layout->n_linear;
    *e = at % layout->n_experts;
    return at >= layout->n_experts || !layout->is_learned[BY_VARIANCE] ? BY_FREEDOM : BY_VARIANCE;
}

/* The element of unit u of component a and unit v of component b; outer: of the scores' products.
 */
double information_at(const struct information_layout *layout, const double *sums, bool outer,
                      size_t a, size_t u, size_t b, size_t v);

status information_layout_init(struct information_layout *layout, const struct model_config *config,
                               bool has_outer);
void information_layout_release(struct information_layout *layout);

/* Parameters of all networks in double: the bias is unit 0. */
struct linear_parameters {
    double *weight;                /* (n_linear, W) of logits and outputs, owned */
    struct dispersion *dispersion; /* (E), owned */
};

#endif
