/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/feed/samples.h"

#include "base/memory.h"
#include "host_source.h"
#include "train/feed/stream.h"

#include <string.h>

/*
 * Reading and scaling takes a rank about twice as long as a copy, so that a few get more out of a
 * file; not all of a large host, for the file system's sake. Each opens the file: its share must be
 * worth that.
 */
enum { MOST_READERS = 8, BYTES_PER_READER = 1 << 23 };

bool samples_stay_in_file(const struct source *source, enum stream_choice wish, bool fit)
{
    if (!source || !source_info(source)->format->can_stream || wish == STREAM_NEVER)
        return false;
    return wish == STREAM_ALWAYS || !fit;
}

bool samples_fit(double bytes, double available)
{
    return bytes <= 0.9 * available;
}

void samples_keep(struct source *source, enum stream_choice wish)
{
    enum { SHARE = 8 }; /* of the free memory */
    source_keep(source, wish != STREAM_ALWAYS, memory_available() / SHARE);
}

static struct host_readers choose_readers(const struct communicator *comm,
                                          const struct dataset_shape *shape,
                                          enum read_choice reader)
{
    size_t worth = 1 + dataset_numbers_bytes(shape) / BYTES_PER_READER;
    int most = worth < MOST_READERS ? (int)worth : MOST_READERS;
    return (struct host_readers){.per_host = reader == READ_ROOT ? 1 : most,
                                 .on_root_host_only = reader != READ_NODE || comm->n_nodes == 1};
}

/* Labels and weights, which the root may have changed, are read by nobody else. */
static struct dataset numbers_of(const struct dataset *dataset, size_t first, size_t n)
{
    struct dataset part = {.shape = dataset->shape};
    part.shape.n = n;
    part.shape.has_labels = part.shape.has_weights = false;
    part.x = dataset->x + first * part.shape.n_inputs;
    part.y = dataset->y ? dataset->y + first * part.shape.n_targets : NULL;
    return part;
}

/* The readers of a host take the samples in shares of equal size. */
static status fill_own(const struct communicator *comm, struct source *source,
                       const struct scaler *scaler, const uint64_t *rows,
                       const struct host_source *host, struct dataset *dataset)
{
    size_t n = dataset->shape.n, n_readers = (size_t)host->n_readers;
    if (comm->node_rank >= host->n_readers)
        return STATUS_OK;
    size_t reader = (size_t)comm->node_rank;
    size_t first = n / n_readers * reader, last = n / n_readers * (reader + 1);
    if (reader + 1 == n_readers)
        last = n;
    struct dataset share = numbers_of(dataset, first, last - first);
    if (comm->rank != 0)
        return dataset_fill(&share, host->source, &host->scaler, host->rows, first);
    status outcome = dataset_fill(&share, source, scaler, rows, first);
    return outcome == STATUS_OK ? dataset_copy_labels(dataset, source_info(source), rows, 0)
                                : outcome;
}

/* Collective. What other hosts have not read, and labels and weights, are still to be published. */
static status fill(const struct communicator *comm, const struct host_readers *readers,
                   struct source *source, const struct scaler *scaler, const uint64_t *rows,
                   struct dataset *dataset)
{
    struct host_source host;
    status outcome = host_source_open(comm, &dataset->shape, *readers, source, scaler, rows, &host);
    if (outcome == STATUS_OK)
        outcome = communicator_agree(comm, fill_own(comm, source, scaler, rows, &host, dataset));
    const struct source *own = source ? source : host.source;
    if (outcome == STATUS_OK && !readers->on_root_host_only)
        outcome = host_source_compare(comm, dataset, own ? source_info(own)->path : "");
    host_source_release(&host);
    return outcome;
}

status samples_load(const struct communicator *comm, const struct dataset_shape *shape,
                    enum read_choice reader, struct source *source, const struct scaler *scaler,
                    const uint64_t *rows, struct samples *samples)
{
    memset(samples, 0, sizeof *samples);
    status outcome = STATUS_OK;
    size_t bytes = dataset_bytes(shape);
    if (bytes == 0)
        outcome = status_set(STATUS_USAGE, "%zu samples of %zu inputs are more than can be counted",
                             shape->n, shape->n_inputs);
    if (outcome == STATUS_OK)
        outcome = shared_memory_create(comm, bytes, &samples->memory);
    if (outcome != STATUS_OK)
        return outcome;
    dataset_map(&samples->dataset, shape, samples->memory.base);
    const struct host_readers readers = choose_readers(comm, shape, reader);
    outcome = fill(comm, &readers, source, scaler, rows, &samples->dataset);
    if (outcome == STATUS_OK)
        shared_memory_publish_from(comm, &samples->memory,
                                   readers.on_root_host_only ? 0 : dataset_numbers_bytes(shape));
    return outcome;
}

/* What stays in memory of streamed samples. */
static struct dataset_shape resident(const struct dataset_shape *shape)
{
    struct dataset_shape part = *shape;
    part.n_inputs = part.n_targets = 0;
    return part;
}

status samples_stream(const struct communicator *comm, const struct dataset_shape *shape,
                      size_t block, struct source *source, const struct scaler *scaler,
                      const uint64_t *rows, struct samples *samples)
{
    struct dataset_shape part = resident(shape);
    memset(samples, 0, sizeof *samples);
    status outcome = shared_memory_create(comm, dataset_bytes(&part), &samples->memory);
    if (outcome != STATUS_OK)
        return outcome;
    dataset_map(&samples->dataset, &part, samples->memory.base);
    if (comm->rank == 0)
        outcome = dataset_copy_labels(&samples->dataset, source_info(source), rows, 0);
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    shared_memory_publish(comm, &samples->memory);
    samples->dataset.shape = *shape;
    return stream_create(comm, shape, block, source, scaler, rows, &samples->dataset.stream);
}

double samples_bytes(const struct dataset_shape *shape)
{
    return (double)dataset_bytes(shape);
}

double samples_streamed_bytes(const struct dataset_shape *shape, size_t block, bool some)
{
    struct dataset_shape part = resident(shape);
    return (double)dataset_bytes(&part) + stream_bytes(shape, block, some);
}

void samples_release(struct samples *samples)
{
    stream_release(&samples->dataset.stream);
    shared_memory_release(&samples->memory);
}
