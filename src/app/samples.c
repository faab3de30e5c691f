#include "coterie/app/samples.h"

#include "coterie/base/memory.h"

#include <string.h>

status samples_load(const struct communicator *comm, const struct dataset_shape *shape,
                    struct source *source, const struct scaler *scaler, const uint64_t *rows,
                    struct samples *samples)
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
    if (comm->rank == 0)
        outcome = dataset_fill(&samples->dataset, source, scaler, rows);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        shared_memory_publish(comm, &samples->memory);
    return outcome;
}

status samples_check_size(const struct source *source)
{
    const struct source_info *info = source_info(source);
    struct dataset_shape shape = {.n = info->n,
                                  .n_inputs = info->n_inputs,
                                  .n_targets = info->n_targets,
                                  .has_labels = info->has_labels,
                                  .has_weights = info->weight != NULL};
    size_t bytes = dataset_bytes(&shape), available = memory_available();
    if (bytes > 0 && bytes <= available)
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "%s: %zu samples of %zu inputs do not fit into the %.1f GiB that are free; use "
        "a larger host, or fewer columns with --inputs",
        info->path, info->n, info->n_inputs, (double)available / 0x1p30);
}

void samples_release(struct samples *samples)
{
    shared_memory_release(&samples->memory);
}
