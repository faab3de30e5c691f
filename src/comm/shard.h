/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_SHARD_H
#define COTERIE_COMM_SHARD_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Which rank has which experts: each rank a run of neighbours, rank 0 first. Rank 0 may have fewer
 * because it also has the gate. All functions are Local and give the same answer on every rank.
 */
struct shard {
    size_t n_experts;
    int n_ranks;
    size_t on_root;       /* experts of rank 0 */
    const size_t *firsts; /* (n_ranks + 1) first experts, not owned; NULL: the rest dealt evenly */
};

/*
 * on_root < 0: as many as balance the work, where the gate costs as much per sample as
 * `gate_in_experts` experts. STATUS_USAGE if on_root is more than n_experts, or less with one rank.
 */
status shard_init(struct shard *shard, size_t n_experts, int n_ranks, long on_root,
                  double gate_in_experts);

/*
 * After shard_init: deals the experts so that all ranks need the same time for theirs, where rank r
 * computes speed[r] > 0 experts in a unit of time and rank 0 the gate, too. With `keeps_root` rank
 * 0 keeps on_root. Fills firsts (n_ranks + 1), which must outlive the shard.
 */
void shard_deal_by_speed(struct shard *shard, const double *speed, double gate_in_experts,
                         bool keeps_root, size_t *firsts);

size_t shard_first(const struct shard *shard, int rank);
size_t shard_count(const struct shard *shard, int rank);

/* The rank that has expert e. */
int shard_owner(const struct shard *shard, size_t e);

#endif
