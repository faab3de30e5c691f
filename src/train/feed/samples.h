/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SAMPLES_H
#define COTERIE_APP_SAMPLES_H

#include "base/status.h"
#include "comm/communicator.h"
#include "comm/shared_memory.h"
#include "data/samples/dataset.h"

/* Whether samples stay in the file, as the user wishes. */
enum stream_choice { STREAM_AUTO, STREAM_ALWAYS, STREAM_NEVER };

/* Who reads: see samples_load. */
enum read_choice { READ_AUTO, READ_NODE, READ_ROOT };

/* A data set in memory that the ranks of a host share, or the part of it that is not streamed. */
struct samples {
    struct shared_memory memory;
    struct dataset dataset;
};

/*
 * Collective. Reads the samples `rows` (ascending; NULL: all) of the root's `source`, scaled, once
 * per host. READ_ROOT: rank 0 reads. READ_AUTO: of a large HDF5 file some more ranks of its host
 * read a share each. READ_NODE: so does every host; a hash is compared of what they have read.
 * Otherwise rank 0 sends the samples to the other hosts. Bits are the same. On other ranks source,
 * scaler and rows may be NULL; shape and reader must be the same everywhere.
 */
status samples_load(const struct communicator *comm, const struct dataset_shape *shape,
                    enum read_choice reader, struct source *source, const struct scaler *scaler,
                    const uint64_t *rows, struct samples *samples);

/*
 * Collective. The same, but inputs and numeric targets stay in the file and come in blocks of
 * `block` samples. rows NULL: all samples of the source.
 */
status samples_stream(const struct communicator *comm, const struct dataset_shape *shape,
                      size_t block, struct source *source, const struct scaler *scaler,
                      const uint64_t *rows, struct samples *samples);

/* Root. Whether samples are streamed; `fit`: what is needed fits into memory if they are not. */
bool samples_stay_in_file(const struct source *source, enum stream_choice wish, bool fit);

/* Local. A tenth of memory is left for the page cache that files are read through. */
bool samples_fit(double bytes, double available);

/*
 * Root. What a pass over the source reads is not read again, neither to load samples nor for
 * baselines, where it is little beside the memory of this host; inputs that are to be streamed are.
 */
void samples_keep(struct source *source, enum stream_choice wish);

/* Bytes that a host needs for them, in memory or streamed from `some` of a file's samples. Local.
 */
double samples_bytes(const struct dataset_shape *shape);
double samples_streamed_bytes(const struct dataset_shape *shape, size_t block, bool some);

/* Collective. */
void samples_release(struct samples *samples);

#endif
