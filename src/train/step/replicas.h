/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_REPLICAS_H
#define COTERIE_TRAIN_REPLICAS_H

#include "base/status.h"
#include "comm/communicator.h"
#include "train/step/model.h"

#include <stddef.h>

/*
 * --replicas: G groups of neighbouring ranks, each with a whole mixture (its own gate, its own
 * shard on every rank) and its share of the samples of every batch. All replicas hold the same
 * parameters, bit for bit, because they apply the same sum of gradients: gate with gate, experts
 * with the ranks that hold the same experts, added in the order of the replicas.
 *
 * Which samples a replica computes, and in which micro-batches, depends on the batch and G only, so
 * the same G gives the same bits with any number of ranks in a group. Another G adds in another
 * order: equal to rounding.
 */
struct replicas {
    const struct communicator *all; /* not owned */
    struct communicator group;      /* the ranks of this replica */
    struct communicator peers;      /* the ranks with this rank's part, one in each replica */
    int n, own;
    real *work; /* for the sum of gradients */
};

/*
 * Local. STATUS_USAGE unless n groups of equal size can be made of n_ranks ranks and every group
 * has samples in a batch of n_samples.
 */
status replicas_check(long n, long n_ranks, size_t n_samples);

/* Collective. STATUS_USAGE if n does not divide the number of ranks. */
status replicas_init(struct replicas *replicas, const struct communicator *all, int n);
void replicas_release(struct replicas *replicas);

/* Collective. Once the model is there: memory for its gradients' sum. */
status replicas_use_model(struct replicas *replicas, const struct model *model);

/* Local. The samples of this replica among n of a batch: *count of them from *first. */
void replicas_share(const struct replicas *replicas, size_t n, size_t *first, size_t *count);

/* Collective. The model's gradients become their sum over the replicas. */
void replicas_sum_gradients(const struct replicas *replicas, struct model *model);

/* Local. For a replica that has no sample of a batch. */
void replicas_clear_gradients(struct model *model);

#endif
