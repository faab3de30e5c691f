/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/expert_survey.h"

#include "base/memory.h"
#include "train/feed/stream.h"
#include "train/step/evaluate.h"

#include <math.h>
#include <string.h>

static status survey_init(struct expert_survey *survey, const struct communicator *comm,
                          const struct loaded_model *loaded)
{
    const struct model *model = &loaded->model;
    size_t at_root = model->has_gate ? model->config.n_experts : 0;
    memset(survey, 0, sizeof *survey);
    survey->n_samples = loaded->samples.dataset.shape.n;
    status outcome = memory_alloc(&survey->own_error, model->experts.n_local, sizeof(double),
                                  "the experts' errors");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&survey->error, at_root, sizeof(double), "the experts' errors");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&survey->largest_g, at_root, sizeof(double), "the experts' shares");
    outcome = communicator_agree(comm, outcome);
    return outcome == STATUS_OK ? expert_use_init(&survey->use, &loaded->step, survey->n_samples, 0)
                                : outcome;
}

void expert_survey_release(struct expert_survey *survey)
{
    expert_use_release(&survey->use);
    memory_free(&survey->own_error);
    memory_free(&survey->error);
    memory_free(&survey->largest_g);
}

/* The weights of the gradients hold each sample's weight already. */
static void add_micro_batch(struct step *step, size_t first, void *context)
{
    struct expert_survey *survey = context;
    const struct experts *experts = &step->model->experts;
    const struct gate *gate = &step->model->gate;
    size_t stride = step->batch.stride;
    expert_use_add(&survey->use, step, first);
    for (size_t k = 0; k < experts->n_local; k++)
        for (size_t i = 0; i < step->batch.n; i++) {
            size_t at = k * stride + i;
            survey->own_error[k] += (double)step->own_weights[at] * (double)experts->square[at];
        }
    for (size_t e = 0; step->model->has_gate && e < gate->n_experts; e++)
        for (size_t i = 0; i < step->batch.n; i++)
            survey->largest_g[e] = fmax(survey->largest_g[e], (double)gate->g[e * stride + i]);
}

status expert_survey_make(struct expert_survey *survey, const struct communicator *comm,
                          struct loaded_model *loaded)
{
    struct step *step = &loaded->step;
    status outcome = survey_init(survey, comm, loaded);
    if (outcome != STATUS_OK)
        return outcome;
    evaluate_dataset(step, &loaded->samples.dataset, loaded->micro_batch, add_micro_batch, survey);
    outcome = communicator_agree(comm, stream_status(loaded->samples.dataset.stream));
    if (outcome != STATUS_OK)
        return outcome;
    communicator_gather_rows(step->comm, &loaded->model.shard, sizeof(double), survey->own_error,
                             survey->error);
    expert_use_finish(&survey->use, step);
    return STATUS_OK;
}
