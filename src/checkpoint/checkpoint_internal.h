/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_CHECKPOINT_INTERNAL_H
#define COTERIE_TRAIN_CHECKPOINT_INTERNAL_H

#include "checkpoint/checkpoint.h"

#include <stddef.h>
#include <stdio.h>

/* One data set of a gate or of all experts, and where its values lie in a network's block. */
struct network_block {
    char name[256]; /* in the file */
    bool of_experts;
    size_t offset;  /* reals from the begin of the network's block */
    size_t out, in; /* in is 0 for a bias */
    size_t deep;    /* of a third dimension, 0: none */
};

/* The running sums of on-line EM, (E, sums of an expert). */
#define CHECKPOINT_SUMS "/optimizer/em/experts/sums"

/* More samples than these are no check that we wrote. */
enum { CHECKPOINT_MOST_CHECKS = 1024 };

static inline size_t network_block_size(const struct network_block *block)
{
    return block->out * (block->in ? block->in : 1) * (block->deep ? block->deep : 1);
}

/* Fills one block's description: /prefix/gate/layer<l>/weight and so on. */
static inline void network_block_set(struct network_block *block, const struct mlp *shape,
                                     const char *prefix, bool of_experts, int l, bool is_bias)
{
    snprintf(block->name, sizeof block->name, "%s/%s/layer%d/%s", prefix,
             of_experts ? "experts" : "gate", l, is_bias ? "bias" : "weight");
    block->of_experts = of_experts;
    block->offset = is_bias ? shape->bias_at[l] : shape->weight_at[l];
    block->out = shape->width[l + 1];
    block->in = is_bias ? 0 : shape->width[l];
    block->deep = 0;
}

/*
 * Calls visit for every block of the gate, then of the experts, in the order of layers. Those of a
 * Gaussian gate are /gate/gaussian/alpha (E), mean (E, D) and covariance (E, D, D).
 */
status network_blocks_visit(const struct model_shape *shape, const char *prefix,
                            status (*visit)(const struct network_block *block, void *context),
                            void *context);

/* A data set (E) of what experts have beside their networks: one member of struct dispersion. */
struct dispersion_block {
    char name[256]; /* in the file */
    int which;      /* BY_VARIANCE or BY_FREEDOM */
};

/* /experts/variance, and what else the likelihood has. */
status dispersion_blocks_visit(const struct model_shape *shape, const char *prefix,
                               status (*visit)(const struct dispersion_block *block, void *context),
                               void *context);

/* Names the attributes of /progress, in one place for writing and reading. */
struct progress_field {
    const char *name;
    size_t offset; /* in struct progress */
    enum { FIELD_INT64, FIELD_UINT64, FIELD_BOOL, FIELD_DOUBLE } kind;
    int since; /* format version */
};
extern const struct progress_field progress_fields[];
extern const size_t n_progress_fields;

/*
 * Appends the seal to a whole HDF5 file, a checksum of all its bytes; checks it. A reader of HDF5
 * does not see it. Part checksums name what is damaged; this one proves that nothing is, also of
 * what only other readers look at.
 */
status checkpoint_seal(const char *path);
status checkpoint_check_seal(const char *path);

/* The name of running sum i as an attribute of /progress. */
void progress_running_name(int i, char *name, size_t size);

#endif
