/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train_internal.h"

#include "base/memory.h"
#include "math/softmax.h"
#include "train/step/evaluate.h"

#include <math.h>
#include <string.h>

/* Root: what is added up over the samples. */
struct totals {
    const struct metrics_config *config;
    struct metrics metrics;
    double entropy;
    real *posterior; /* (E, stride) */
    double *log_sum; /* (stride) */
};

static status totals_init(struct totals *totals, const struct trainer *trainer,
                          const struct metrics_config *config)
{
    size_t n_experts = trainer->model->config.n_experts, stride = trainer->step.batch.max_stride;
    memset(totals, 0, sizeof *totals);
    totals->config = config;
    status outcome = metrics_init(&totals->metrics, n_experts);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&totals->posterior, n_experts * stride, sizeof(real), "posteriors");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&totals->log_sum, stride, sizeof(double), "posteriors");
    return outcome;
}

static void totals_release(struct totals *totals)
{
    metrics_release(&totals->metrics);
    memory_free(&totals->posterior);
    memory_free(&totals->log_sum);
}

static void add_micro_batch(struct step *step, size_t first, void *context)
{
    (void)first;
    struct totals *totals = context;
    if (!step->model->has_gate)
        return;
    const struct batch *batch = &step->batch;
    size_t n_experts = step->model->config.n_experts, stride = batch->stride;
    metrics_add(&totals->metrics, totals->config, step);
    softmax_posterior(n_experts, stride, step->model->gate.log_g, step->loglik, totals->posterior,
                      totals->log_sum);
    for (size_t i = 0; i < batch->n; i++)
        for (size_t e = 0; e < n_experts; e++) {
            double h = (double)totals->posterior[e * stride + i];
            if (h > 0)
                totals->entropy -= (double)batch->weight[i] * h * log(h);
        }
}

/* Root. Both sets of samples end in one record, each in its own members. */
static void summarise(const struct training *training, const struct trainer *trainer,
                      const struct totals *train, const struct totals *valid,
                      struct selection *selection)
{
    struct metrics_record record = {0};
    record.nll_valid = record.accuracy_valid = record.rmse_valid = NAN;
    metrics_summarise(&train->metrics, train->config, false, &record);
    if (training->has_valid)
        metrics_summarise(&valid->metrics, valid->config, true, &record);
    *selection =
        (struct selection){.n = train->metrics.weight,
                           .parameters = (double)model_n_free_parameters(&training->problem.model),
                           .nll = record.nll,
                           .nll_valid = record.nll_valid,
                           .accuracy = record.accuracy,
                           .accuracy_valid = record.accuracy_valid,
                           .rmse = record.rmse,
                           .rmse_valid = record.rmse_valid,
                           .entropy = train->entropy,
                           .epochs = (double)trainer->progress.epoch,
                           .seconds = trainer->progress.seconds};
    selection->bic = selection_bic(selection);
    selection->icl = selection_icl(selection);
}

status selection_measure(struct training *training, struct trainer *trainer,
                         struct selection *selection)
{
    struct totals train = {0}, valid = {0};
    bool is_root = training->comm->rank == 0;
    status outcome = STATUS_OK;
    if (is_root) {
        outcome = totals_init(&train, trainer, &training->metrics_config);
        if (outcome == STATUS_OK)
            outcome = totals_init(&valid, trainer, &training->metrics_config);
    }
    outcome = communicator_agree(training->comm, outcome);
    if (outcome == STATUS_OK) {
        size_t size = training->config.micro_batch;
        trainer_use_best(trainer);
        evaluate_dataset(&trainer->step, &training->train.dataset, size, add_micro_batch, &train);
        if (training->has_valid)
            evaluate_dataset(&trainer->step, &training->valid.dataset, size, add_micro_batch,
                             &valid);
        if (is_root)
            summarise(training, trainer, &train, &valid, selection);
    }
    totals_release(&train);
    totals_release(&valid);
    return outcome;
}
