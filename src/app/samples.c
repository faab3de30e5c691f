#include "coterie/app/samples.h"

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

void samples_release(struct samples *samples)
{
    shared_memory_release(&samples->memory);
}
