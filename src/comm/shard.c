/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/shard.h"

#include <math.h>

/* Rank 0's share such that its experts and its gate cost what the others' experts cost. */
static size_t balanced_share(size_t n_experts, int n_ranks, double gate_in_experts)
{
    double even = ((double)n_experts + gate_in_experts) / n_ranks - gate_in_experts;
    double most = ceil((double)n_experts / n_ranks);
    double share = fmin(fmax(round(even), 0), most);
    /* With fewer than all ranks in use nothing is gained by leaving rank 0 without an expert. */
    if (n_experts <= (size_t)n_ranks)
        share = (double)n_experts < n_ranks ? 0 : 1;
    return (size_t)share;
}

status shard_init(struct shard *shard, size_t n_experts, int n_ranks, long on_root,
                  double gate_in_experts)
{
    shard->n_experts = n_experts;
    shard->firsts = NULL;
    shard->n_ranks = n_ranks;
    if (on_root > (long)n_experts || (on_root >= 0 && n_ranks == 1 && on_root != (long)n_experts))
        return status_set(STATUS_USAGE,
                          "@root-experts %ld does not fit %zu experts on %d rank%s; leave it out",
                          on_root, n_experts, n_ranks, n_ranks == 1 ? "" : "s");
    if (n_ranks == 1)
        shard->on_root = n_experts;
    else if (on_root >= 0)
        shard->on_root = (size_t)on_root;
    else
        shard->on_root = balanced_share(n_experts, n_ranks, gate_in_experts);
    return STATUS_OK;
}

void shard_deal_by_speed(struct shard *shard, const double *speed, double gate_in_experts,
                         bool keeps_root, size_t *firsts)
{
    double total = 0, others = 0;
    for (int r = 0; r < shard->n_ranks; r++)
        total += speed[r];
    double unit = ((double)shard->n_experts + gate_in_experts) / total;
    if (!keeps_root)
        shard->on_root = (size_t)fmax(round(unit * speed[0] - gate_in_experts), 0);
    if (shard->n_ranks == 1 || shard->on_root > shard->n_experts)
        shard->on_root = shard->n_experts;
    firsts[0] = 0;
    double rest = (double)(shard->n_experts - shard->on_root);
    for (int r = 1; r <= shard->n_ranks; r++) {
        /* Rounded sums of shares: each rank is within one expert of its own. */
        firsts[r] = shard->on_root;
        if (r > 1) {
            others += speed[r - 1];
            firsts[r] += (size_t)round(rest * others / (total - speed[0]));
        }
    }
    shard->firsts = firsts;
}

size_t shard_count(const struct shard *shard, int rank)
{
    if (shard->firsts)
        return shard->firsts[rank + 1] - shard->firsts[rank];
    if (rank == 0)
        return shard->on_root;
    size_t rest = shard->n_experts - shard->on_root, ranks = (size_t)shard->n_ranks - 1;
    return rest / ranks + ((size_t)(rank - 1) < rest % ranks);
}

size_t shard_first(const struct shard *shard, int rank)
{
    if (shard->firsts)
        return shard->firsts[rank];
    if (rank == 0)
        return 0;
    size_t rest = shard->n_experts - shard->on_root, ranks = (size_t)shard->n_ranks - 1;
    size_t before = (size_t)rank - 1, extra = rest % ranks;
    return shard->on_root + before * (rest / ranks) + (before < extra ? before : extra);
}

int shard_owner(const struct shard *shard, size_t e)
{
    int rank = 0;
    while (e >= shard_first(shard, rank) + shard_count(shard, rank))
        rank++;
    return rank;
}
