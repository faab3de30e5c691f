/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_OPTIMIZER_H
#define COTERIE_TRAIN_OPTIMIZER_H

#include "base/real.h"
#include "base/status.h"
#include "model/network/parameters.h"
#include "model/optimizer_kind.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Gradient descent, with momentum, and Adam (Kingma & Ba 2015), on the parameters of the gate or of
 * a shard of experts. Element by element, so that no rank count can change a bit. Local.
 *
 *   gd        p -= rate * grad
 *   momentum  v = momentum * v + grad;  p -= rate * v
 *   adam      m, v: means of grad and grad^2, decay 0.9 and 0.999;
 *             p -= rate * (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8)
 *
 * Weight decay is decoupled (Loshchilov & Hutter 2019): weights, not biases, are multiplied by
 * 1 - rate * decay first.
 */
struct optimizer_config {
    enum optimizer_kind kind;
    double momentum, weight_decay;
};

/* State for one set of parameters, laid out as they are. */
struct optimizer {
    struct optimizer_config config;
    int n_slots;
    real *slot[OPTIMIZER_MAX_SLOTS]; /* (n_networks, stride) each, owned */
};

status optimizer_init(struct optimizer *optimizer, const struct optimizer_config *config,
                      const struct parameters *parameters);
void optimizer_release(struct optimizer *optimizer);

/* One update from parameters->gradient times `factor` (clipping); step counts from 1. */
void optimizer_update(struct optimizer *optimizer, struct parameters *parameters, double rate,
                      double factor, uint64_t step);

/* The same for network k alone. */
void optimizer_update_network(struct optimizer *optimizer, struct parameters *parameters, size_t k,
                              double rate, double factor, uint64_t step);

#endif
