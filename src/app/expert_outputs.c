#include "expert_outputs.h"

#include "coterie/base/memory.h"

#include <math.h>
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
        {&outputs->own, model->experts.n_local * stride, sizeof(real)},
        {&outputs->o, at_root * model->config.n_outputs * stride, sizeof(real)},
        {&outputs->sigma, at_root, sizeof(double)},
    };
    status outcome = STATUS_OK;
    memset(outputs, 0, sizeof *outputs);
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome =
            memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the experts' outputs");
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    communicator_gather_rows(comm, &model->shard, sizeof(double), model->experts.variance,
                             outputs->sigma);
    for (size_t e = 0; e < at_root; e++)
        outputs->sigma[e] = sqrt(outputs->sigma[e]);
    return STATUS_OK;
}

void expert_outputs_release(struct expert_outputs *outputs)
{
    memory_free(&outputs->own);
    memory_free(&outputs->o);
    memory_free(&outputs->sigma);
}

/* One output after the other, so that the buffers of the exchange suffice. */
void expert_outputs_gather(struct expert_outputs *outputs, struct step *step)
{
    const struct model *model = step->model;
    size_t stride = step->batch.stride, n_outputs = step->batch.n_outputs;
    for (size_t j = 0; j < n_outputs; j++) {
        for (size_t k = 0; k < model->experts.n_local; k++)
            memcpy(outputs->own + k * stride,
                   experts_output(&model->experts, k, stride) + j * stride, stride * sizeof(real));
        /* Slot 0 still has the log-likelihoods of this micro-batch. */
        const real *all = exchange_gather(&step->exchange, 1, stride, outputs->own);
        for (size_t e = 0; all && e < model->config.n_experts; e++)
            memcpy(outputs->o + (e * n_outputs + j) * stride, all + e * stride,
                   stride * sizeof(real));
    }
}
