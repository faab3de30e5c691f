/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/inference/sample_groups.h"

#include "base/memory.h"
#include "base/real.h"
#include "train/feed/stream.h"

#include <string.h>

enum {
    MOST_GROUPS = 16,
    MOST_BYTES = 512 << 20
}; /* of all groups' sums, if there is more than one */

static size_t n_chunks(const struct sample_groups *groups)
{
    return (groups->dataset->shape.n + GROUPS_CHUNK - 1) / GROUPS_CHUNK;
}

status sample_groups_init(struct sample_groups *groups, const struct communicator *comm,
                          const struct dataset *dataset, size_t n_inputs, size_t n_outputs)
{
    memset(groups, 0, sizeof *groups);
    groups->comm = comm;
    groups->dataset = dataset;
    return communicator_agree(
        comm, batch_init(&groups->batch, n_inputs, n_outputs, real_padded(GROUPS_CHUNK)));
}

void sample_groups_release(struct sample_groups *groups)
{
    batch_release(&groups->batch);
}

static size_t choose_n_groups(const struct sample_groups *groups, size_t n_sums)
{
    size_t n = n_chunks(groups), fit = MOST_BYTES / (n_sums * sizeof(double));
    n = n < MOST_GROUPS ? n : MOST_GROUPS;
    return n < fit ? n : fit > 1 ? fit : 1;
}

/* A stream is read by all ranks together; samples in memory only by the rank that needs them. */
static void visit_own(struct sample_groups *groups, size_t n_sums, sample_groups_visit *visit,
                      void *context, double *sums)
{
    const struct dataset *dataset = groups->dataset;
    size_t chunks = n_chunks(groups), n_groups = groups->groups.n_experts;
    size_t first = shard_first(&groups->groups, groups->comm->rank);
    size_t end = first + shard_count(&groups->groups, groups->comm->rank);
    for (size_t g = 0; g < n_groups; g++)
        for (size_t c = g * chunks / n_groups; c < (g + 1) * chunks / n_groups; c++) {
            size_t at = c * GROUPS_CHUNK, left = dataset->shape.n - at;
            bool is_own = g >= first && g < end;
            if (!is_own && !dataset->stream)
                continue;
            batch_load(&groups->batch, dataset, NULL, at, left < GROUPS_CHUNK ? left : GROUPS_CHUNK,
                       1);
            if (is_own)
                visit(&groups->batch, context, sums + (g - first) * n_sums);
        }
}

status sample_groups_sum(struct sample_groups *groups, size_t n_sums, sample_groups_visit *visit,
                         void *context, double *total)
{
    const struct communicator *comm = groups->comm;
    double *own = NULL, *all = NULL;
    status outcome =
        shard_init(&groups->groups, choose_n_groups(groups, n_sums), comm->size, -1, 0);
    size_t n_groups = groups->groups.n_experts;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&own, shard_count(&groups->groups, comm->rank) * n_sums,
                               sizeof(double), "sums over samples");
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = memory_alloc(&all, n_groups * n_sums, sizeof(double), "sums over samples");
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK) {
        visit_own(groups, n_sums, visit, context, own);
        outcome = communicator_agree(comm, stream_status(groups->dataset->stream));
    }
    if (outcome == STATUS_OK) {
        communicator_gather_rows(comm, &groups->groups, n_sums * sizeof(double), own, all);
        if (comm->rank == 0)
            memset(total, 0, n_sums * sizeof *total);
        for (size_t g = 0; all && g < n_groups; g++)
            for (size_t i = 0; i < n_sums; i++)
                total[i] += all[g * n_sums + i];
    }
    memory_free(&own);
    memory_free(&all);
    return outcome;
}
