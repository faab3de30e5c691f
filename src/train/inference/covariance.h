/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_COVARIANCE_H
#define COTERIE_TRAIN_INFERENCE_COVARIANCE_H

#include "base/status.h"
#include "math/semidefinite.h"
#include "train/inference/basis.h"
#include "train/inference/information.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The covariance of the free parameters at a maximum of the likelihood: the inverse V of the
 * observed information, or the sandwich V J V with J the sum of the scores' outer products (Huber
 * 1967, White 1982), which holds where the model is wrong, too. Parameters are in scaled units, and
 * free are those of components that a softmax does not make redundant: logits are differences to
 * that of the expert `reference`, outputs of a softmax differences to the first one; and of each
 * those of the units of its basis, which leaves out inputs that its network does not see. All
 * functions are Local.
 */
struct covariance {
    struct basis of_logits, of_outputs;
    size_t reference;
    size_t n_components;
    size_t *component; /* (n_components) of the layout, rising */
    size_t *
        first; /* (n_components) their first parameter; as many as its basis has, 1 of a variance */
    size_t n;
    double *value;  /* (n) */
    double *matrix; /* (n, n) */
    double *step;   /* (n) V s, with the score s: Newton's step to the maximum */
    bool *known;    /* (n) false: the samples do not determine it */
    struct semidefinite_rank rank;
    /* sqrt(s^T V s) of the score s: how far the maximum is, in standard errors. 0 there. */
    double distance;
};

/* At the root, from the sums of `information`. */
status covariance_init(struct covariance *covariance, const struct information *information,
                       size_t reference, bool is_robust);
void covariance_release(struct covariance *covariance);

/* Of a component that is a logit or an output. */
static inline const struct basis *covariance_basis(const struct covariance *covariance,
                                                   const struct information_layout *layout,
                                                   size_t component)
{
    return component < layout->n_logits ? &covariance->of_logits : &covariance->of_outputs;
}

/*
 * The place of a component among the n_components; n_components itself if it is not free. Of a
 * component p: value[first[p] ..].
 */
size_t covariance_find(const struct covariance *covariance, size_t component);

#endif
