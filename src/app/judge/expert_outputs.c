/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/expert_outputs.h"

#include "base/memory.h"

#include <string.h>

status expert_outputs_init(struct expert_outputs *outputs, const struct communicator *comm,
                           const struct loaded_model *loaded)
{
    const struct model *model = &loaded->model;
    size_t stride = loaded->step.batch.max_stride, experts = model->config.n_experts;
    size_t at_root = comm->rank == 0 ? experts : 0;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {
        {&outputs->o, at_root * model->config.n_outputs * stride, sizeof(real)},
        {&outputs->dispersion, at_root, sizeof(struct dispersion)},
    };
    status outcome = STATUS_OK;
    memset(outputs, 0, sizeof *outputs);
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome =
            memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the experts' outputs");
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    communicator_gather_rows(comm, &model->shard, sizeof(struct dispersion),
                             model->experts.dispersion, outputs->dispersion);
    return STATUS_OK;
}

void expert_outputs_release(struct expert_outputs *outputs)
{
    memory_free(&outputs->o);
    memory_free(&outputs->dispersion);
}

/*
 * Not exchange_gather: what that gives lasts until the second next use of its slot, and only if all
 * ranks have met in between.
 */
void expert_outputs_gather(struct expert_outputs *outputs, const struct step *step)
{
    const struct model *model = step->model;
    size_t row = step->batch.n_outputs * step->batch.stride;
    communicator_gather_rows(step->comm, &model->shard, row * sizeof(real), model->experts.o,
                             outputs->o);
}
