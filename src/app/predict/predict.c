/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/predict/predict.h"

#include "app/judge/expert_outputs.h"
#include "prediction_writer.h"

#include "app/judge/loaded_model.h"
#include "base/memory.h"
#include "math/softmax.h"
#include "train/feed/stream.h"
#include "train/step/evaluate.h"

#include <string.h>

/* What is needed besides a step to predict with its uncertainty. */
struct prediction {
    struct loaded_model *loaded;
    struct prediction_writer *writer; /* root */
    real *spread;                     /* (n_local, O, stride) sigma^2 + (o - y)^2 */
    real *variance;                   /* (O, stride) */
    real *h;                          /* root: (E, stride) */
    double *log_sum;                  /* root: (stride) */
    struct prediction_extras extras;
    struct expert_outputs outputs; /* if extras need them */
    status outcome;                /* root: of the writing so far */
};

/* Whether the root needs to know what each expert says, and not only what they say together. */
static bool needs_experts(const struct prediction *prediction)
{
    return prediction->extras.density || prediction->extras.interval > 0;
}

static status prediction_init(struct prediction *prediction, const struct communicator *comm)
{
    const struct loaded_model *loaded = prediction->loaded;
    size_t stride = loaded->step.batch.max_stride, outputs = loaded->problem.model.n_outputs;
    size_t at_root = comm->rank == 0 ? stride : 0, experts = loaded->problem.model.n_experts;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {
        {&prediction->spread, loaded->model.experts.n_local * outputs * stride, sizeof(real)},
        {&prediction->variance, outputs * stride, sizeof(real)},
        {&prediction->h, experts * at_root, sizeof(real)},
        {&prediction->log_sum, at_root, sizeof(double)}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "predictions");
    outcome = communicator_agree(comm, outcome);
    return outcome == STATUS_OK && needs_experts(prediction)
               ? expert_outputs_init(&prediction->outputs, comm, loaded)
               : outcome;
}

static void prediction_release(struct prediction *prediction)
{
    memory_free(&prediction->spread);
    memory_free(&prediction->variance);
    memory_free(&prediction->h);
    memory_free(&prediction->log_sum);
    expert_outputs_release(&prediction->outputs);
}

/*
 * The law of total variance: sum_e g_e (sigma_e^2 + (o_e - y)^2). An expert that has no share
 * counts for nothing, however far away it is. Collective.
 */
static void combine_variance(struct prediction *prediction, struct step *step)
{
    const struct experts *experts = &step->model->experts;
    size_t stride = step->batch.stride, outputs = step->batch.n_outputs;
    for (size_t k = 0; k < experts->n_local; k++) {
        const real *o = experts_output(experts, k, stride);
        real *spread = prediction->spread + k * outputs * stride;
        for (size_t i = 0; i < outputs * stride; i++) {
            real difference = o[i] - step->y[i];
            spread[i] = (real)experts->variance[k] + difference * difference;
            if (step->g[k * stride + i % stride] == 0)
                spread[i] = 0;
        }
    }
    struct exchange_term term = {prediction->spread, outputs, 0, prediction->variance};
    exchange_combine(&step->exchange, stride, step->g, &term, 1);
}

static void predict_micro_batch(struct step *step, size_t first, void *context)
{
    struct prediction *prediction = context;
    const struct gate *gate = &step->model->gate;
    bool is_regression = prediction->loaded->problem.task == TASK_REGRESSION;
    if (is_regression)
        combine_variance(prediction, step);
    if (needs_experts(prediction))
        expert_outputs_gather(&prediction->outputs, step);
    if (!step->model->has_gate || prediction->outcome != STATUS_OK)
        return;
    if (step->batch.has_targets)
        softmax_posterior(gate->n_experts, step->batch.stride, gate->log_g, step->loglik,
                          prediction->h, prediction->log_sum);
    struct prediction_block block = {.first = first,
                                     .n = step->batch.n,
                                     .stride = step->batch.stride,
                                     .incomplete =
                                         source_info(prediction->loaded->source)->incomplete,
                                     .y = step->y,
                                     .variance = is_regression ? prediction->variance : NULL,
                                     .g = gate->g,
                                     .h = step->batch.has_targets ? prediction->h : NULL,
                                     .o = prediction->outputs.o,
                                     .sigma = prediction->outputs.sigma};
    prediction->outcome = prediction_writer_add(prediction->writer, &block);
}

static status predict(const struct communicator *comm, const struct options *options,
                      struct loaded_model *loaded)
{
    struct prediction prediction = {
        .loaded = loaded,
        .extras = {options->part != PART_ALL, options->density, options->interval}};
    status outcome = prediction_init(&prediction, comm);
    if (outcome == STATUS_OK) {
        if (comm->rank == 0)
            outcome = prediction_writer_create(options->output, loaded, prediction.extras,
                                               &prediction.writer);
        outcome = communicator_agree(comm, outcome);
    }
    if (outcome == STATUS_OK) {
        evaluate_dataset(&loaded->step, &loaded->samples.dataset, loaded->micro_batch,
                         predict_micro_batch, &prediction);
        outcome = communicator_agree(comm, stream_status(loaded->samples.dataset.stream));
        if (comm->rank == 0)
            outcome = prediction_writer_finish(&prediction.writer,
                                               status_first(outcome, prediction.outcome));
        outcome = communicator_agree(comm, outcome);
    }
    prediction_release(&prediction);
    return outcome;
}

status predict_command(const struct communicator *comm, struct options *options)
{
    struct loaded_model loaded;
    memset(&loaded, 0, sizeof loaded);
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = prediction_writer_check(options->output);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = loaded_model_open(comm, options, options->positional.item[0], true, &loaded);
    if (outcome == STATUS_OK && options->interval > 0 && loaded.problem.task != TASK_REGRESSION)
        outcome = status_set(STATUS_USAGE, "--interval is for numeric targets; for classes there "
                                           "are the probabilities p_<class>");
    if (outcome == STATUS_OK)
        outcome = predict(comm, options, &loaded);
    loaded_model_release(comm, &loaded);
    return outcome;
}
