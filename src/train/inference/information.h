/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_INFORMATION_H
#define COTERIE_TRAIN_INFERENCE_INFORMATION_H

#include "base/status.h"
#include "checkpoint/snapshot.h"
#include "model/model_config.h"
#include "train/inference/information_layout.h"
#include "train/inference/sample_groups.h"

#include <stdbool.h>
#include <stddef.h>

/* The observed information of a model, summed over samples: see information_layout.h. */

/*
 * Why a model has no such information, to follow "no standard errors: "; NULL if it has one. It
 * needs the mixture error, linear networks, a softmax gate over all experts, a family with second
 * derivatives, and at most INFORMATION_MOST numbers.
 */
enum { INFORMATION_MOST = 5000 };
const char *information_lacks(const struct model_config *config);

struct information {
    struct information_layout layout;
    struct likelihood likelihood;
    struct linear_parameters parameters;
    struct information_tile *tile; /* work space, owned */
    double *total;                 /* root: (n_sums), owned */
};

/* For a model that lacks nothing. `networks` are those of all experts, on every rank. */
status information_init(struct information *information, const struct model_shape *shape,
                        const struct networks *networks, bool has_outer);
/*
 * The same with all parameters 0 and variances 1, for a model of which only the shape is there.
 */
status information_init_empty(struct information *information, const struct model_config *config,
                              bool has_outer);
void information_release(struct information *information);

/* Collective. Sets total, with weights w_n as the samples have them. */
status information_sum(struct information *information, struct sample_groups *groups);

#endif
