/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_SAMPLE_GROUPS_H
#define COTERIE_TRAIN_INFERENCE_SAMPLE_GROUPS_H

#include "base/status.h"
#include "comm/communicator.h"
#include "comm/shard.h"
#include "data/samples/dataset.h"
#include "train/feed/batch.h"

#include <stddef.h>

/*
 * Sums over samples, dealt over ranks. Samples are taken in chunks of GROUPS_CHUNK, and chunks form
 * at most 16 groups, how many depends on nothing but the samples and the size of a sum; a rank
 * works on some groups, and the root adds the groups in their order. No number of ranks changes a
 * bit.
 */
enum { GROUPS_CHUNK = 512 };

struct sample_groups {
    const struct communicator *comm; /* not owned, as the next */
    const struct dataset *dataset;
    struct shard groups;
    struct batch batch;
};

/* Adds what a chunk gives to sums. */
typedef void sample_groups_visit(const struct batch *batch, void *context, double *sums);

/* Collective. Both arguments must outlive it. */
status sample_groups_init(struct sample_groups *groups, const struct communicator *comm,
                          const struct dataset *dataset, size_t n_inputs, size_t n_outputs);
void sample_groups_release(struct sample_groups *groups);

/*
 * Collective. One pass: visit is called for the chunks of this rank's groups, with sums (n_sums) of
 * one group, which begin at 0. total (n_sums) at the root becomes the sum of all; NULL elsewhere.
 * STATUS_FAILED if a stream could not be read.
 */
status sample_groups_sum(struct sample_groups *groups, size_t n_sums, sample_groups_visit *visit,
                         void *context, double *total);

#endif
