#ifndef COTERIE_APP_SAMPLES_H
#define COTERIE_APP_SAMPLES_H

#include "coterie/base/status.h"
#include "coterie/comm/communicator.h"
#include "coterie/comm/shared_memory.h"
#include "coterie/data/dataset.h"

/* A data set in memory that the ranks of a host share. */
struct samples {
    struct shared_memory memory;
    struct dataset dataset;
};

/*
 * Collective. Rank 0 reads the samples `rows` (ascending) of `source`, scaled; every host gets one
 * copy. On other ranks source, scaler and rows may be NULL; shape must be the same everywhere.
 */
status samples_load(const struct communicator *comm, const struct dataset_shape *shape,
                    struct source *source, const struct scaler *scaler, const uint64_t *rows,
                    struct samples *samples);

/*
 * Root. STATUS_USAGE if all samples of a source cannot fit into this host's memory: before they are
 * read, which may take long.
 */
status samples_check_size(const struct source *source);

/* Collective. */
void samples_release(struct samples *samples);

#endif
