/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/problem/samples_check.h"

#include "base/memory.h"
#include "train/feed/samples.h"

status samples_check_stream(const struct options *options, const struct source *source)
{
    const struct source_info *info = source_info(source);
    if (options->stream != STREAM_ALWAYS || info->format->can_stream)
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "--stream always: only HDF5 files are streamed, and %s is %s; make one with "
                      "coterie convert",
                      info->path, info->format->name);
}

status samples_check_reader(const struct communicator *comm, const struct options *options,
                            const struct source *source, bool streams)
{
    if (options->read != READ_ROOT || !streams || comm->n_nodes == 1)
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "--read root: %s is streamed, and every host streams by itself; make it visible "
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
    bool streams = info->format->can_stream;
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
