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

static bool can_stream(const struct source *source)
{
    return strcmp(source_info(source)->format, "HDF5") == 0;
}

status samples_check_stream(const struct options *options, const struct source *source)
{
    const struct source_info *info = source_info(source);
    if (options->stream != STREAM_ALWAYS || can_stream(source))
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "--stream always: only HDF5 files are streamed, and %s is %s; make one with "
                      "coterie convert",
                      info->path, info->format);
}

status samples_check_reader(const struct communicator *comm, const struct options *options,
                            const struct source *source, bool streams)
{
    if (options->read != READ_ROOT || !streams || comm->n_nodes == 1)
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "--read root: %s is streamed, which every host does by itself; make it visible "
        "on all hosts and use --read node%s",
        source_info(source)->path,
        options->stream == STREAM_ALWAYS ? ", or leave out --stream always"
                                         : ", or use hosts with more memory");
}

status samples_check_size(const struct options *options, const struct source *source)
{
    const struct source_info *info = source_info(source);
    struct dataset_shape shape = {.n = info->n,
                                  .n_inputs = info->n_inputs,
                                  .n_targets = info->n_targets,
                                  .has_labels = info->has_labels,
                                  .has_weights = info->weight != NULL};
    size_t bytes = dataset_bytes(&shape), available = memory_available();
    bool streams = can_stream(source);
    if (bytes > 0 && bytes <= available)
        return STATUS_OK;
    if (streams && options->stream != STREAM_NEVER) {
        /* What stays in memory: numbers of samples for split and order, and blocks of one sample.
         */
        const double per_sample = 5 * sizeof(uint64_t);
        double least = samples_streamed_bytes(&shape, 1, true) + per_sample * (double)shape.n;
        if (least <= (double)available)
            return STATUS_OK;
        return status_set(STATUS_USAGE,
                          "%s: %zu samples of %zu inputs would need %.1f GiB even when they are "
                          "streamed, and %.1f GiB are free; use a larger host, fewer samples, or "
                          "fewer columns with --inputs",
                          info->path, info->n, info->n_inputs, least / 0x1p30,
                          (double)available / 0x1p30);
    }
    return status_set(
        STATUS_USAGE,
        "%s: %zu samples of %zu inputs do not fit into the %.1f GiB that are free; %suse "
        "a larger host, or fewer columns with --inputs",
        info->path, info->n, info->n_inputs, (double)available / 0x1p30,
        streams ? "leave out --stream never, "
                : "make an HDF5 file with coterie convert, which can be streamed, ");
}

void samples_release(struct samples *samples)
{
    stream_release(&samples->dataset.stream);
    shared_memory_release(&samples->memory);
}
