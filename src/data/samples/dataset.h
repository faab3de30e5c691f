/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_DATASET_H
#define COTERIE_DATA_DATASET_H

#include "base/real.h"
#include "base/status.h"
#include "data/samples/scaler.h"
#include "data/source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Samples ready for training, in one block of memory that somebody else owns (the ranks of a node
 * share it): scaled inputs and, where there are any, targets, labels and weights.
 */
struct dataset_shape {
    size_t n, n_inputs;
    size_t n_targets; /* 0: no numeric targets */
    bool has_labels, has_weights;
};

struct dataset {
    struct dataset_shape shape;
    real *x;               /* (n, n_inputs), scaled; NULL if streamed */
    real *y;               /* (n, n_targets), scaled; NULL without, and if streamed */
    int32_t *label;        /* (n); NULL without */
    real *weight;          /* (n); NULL without: every weight is 1 */
    const uint8_t *fold;   /* (n) of a committee, at the root, not owned; NULL: all see all */
    bool is_unseen;        /* each sample is to be judged by the member that has not seen it */
    struct stream *stream; /* of the train layer: x and y come from there; NULL: they are here */
};

/* The size of the block, a multiple of 64. 0 if it would overflow size_t. Local. */
size_t dataset_bytes(const struct dataset_shape *shape);

/*
 * Where labels and weights begin in the block: inputs and numeric targets are before them. A
 * multiple of 64. Local.
 */
size_t dataset_numbers_bytes(const struct dataset_shape *shape);

/* A number that changes when any input or numeric target changes (xxHash, 64 bits). Local. */
uint64_t dataset_numbers_hash(const struct dataset *dataset);

/* Lays the arrays out in `block` (64-byte aligned, dataset_bytes long). Local. */
void dataset_map(struct dataset *dataset, const struct dataset_shape *shape, void *block);

/*
 * Root: reads the samples rows[first .. first+shape.n-1] (ascending) of `source`, or where rows is
 * NULL the samples first .. first+shape.n-1 themselves, scales them and stores them. Reads in
 * blocks of bounded size. STATUS_USAGE if a value is not finite, also after scaling to `real`.
 */
status dataset_fill(struct dataset *dataset, struct source *source, const struct scaler *scaler,
                    const uint64_t *rows, size_t first);

/* Root. The part of dataset_fill that concerns labels and weights only. */
status dataset_copy_labels(struct dataset *dataset, const struct source_info *info,
                           const uint64_t *rows, size_t first);

#endif
