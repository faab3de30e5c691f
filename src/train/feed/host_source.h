/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_HOST_SOURCE_H
#define COTERIE_TRAIN_HOST_SOURCE_H

#include "base/status.h"
#include "comm/communicator.h"
#include "comm/shared_memory.h"
#include "data/samples/dataset.h"
#include "data/samples/scaler.h"
#include "data/source/source.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The root's source, opened once more on every host that reads it by itself, with what is needed to
 * fill a data set there.
 */
struct host_source {
    struct source *source; /* of the ranks that open it; else NULL */
    int n_readers;         /* of this host's ranks the first ones read */
    bool only_root;        /* nobody else reads: the rest is empty */
    struct scaler scaler;  /* the root's, on every rank */
    struct shared_memory chosen;
    const uint64_t *rows; /* (n), ascending, in `chosen`; NULL: all samples of the file */
};

/*
 * How many ranks of a host read; one of a file that is no HDF5 file, which is read as a whole. The
 * root reads from its own source, or opens another one.
 */
struct host_readers {
    int per_host;
    bool on_root_host_only;
    bool root_opens;
};

/*
 * Collective. Opens the root's `source` on other ranks, for the inputs and numeric targets of
 * `shape`, and hands the root's scaler and rows (NULL: all) to every rank; off the root all three
 * may be NULL. STATUS_USAGE naming the host that cannot open the file or finds another one: of
 * another size, or with another one of a few samples.
 * Release it also after a failure.
 */
status host_source_open(const struct communicator *comm, const struct dataset_shape *shape,
                        struct host_readers readers, struct source *source,
                        const struct scaler *scaler, const uint64_t *rows, struct host_source *out);

/* Collective. */
void host_source_release(struct host_source *own);

/*
 * Collective. STATUS_USAGE if the first rank of a host has read other numbers into `dataset` than
 * the root, naming the host.
 */
status host_source_compare(const struct communicator *comm, const struct dataset *dataset,
                           const char *path);

#endif
