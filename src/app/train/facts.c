/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train.h"

#include "app/train/train_internal.h"
#include "base/memory.h"

static const char *variance_word(const struct problem *problem)
{
    if (problem->task != TASK_REGRESSION)
        return "fixed";
    return likelihood_is_of_squares(problem->model.likelihood)          ? "unseen"
           : likelihood_family(problem->model.likelihood)->has_variance ? "learned"
                                                                        : "fixed";
}

status train_find_facts(const struct communicator *comm, const struct options *options,
                        struct train_facts *facts)
{
    struct training training;
    struct options copy = {0};
    char *text = NULL;
    status outcome = options_to_text(options, &text);
    if (outcome == STATUS_OK)
        outcome = options_from_text(&copy, text);
    memory_free(&text);
    if (outcome != STATUS_OK)
        return outcome;
    log_set_mute(true); /* the run itself says it */
    outcome = train_prepare(comm, &copy, &training);
    log_set_mute(false);
    if (outcome == STATUS_OK) {
        const struct source_info *info = source_info(training.source);
        *facts = (struct train_facts){.n = training.train_shape.n,
                                      .n_inputs = training.problem.model.n_inputs,
                                      .n_outputs = training.problem.model.n_outputs,
                                      .n_units = info->group ? info->group_names.n
                                                             : training.train_shape.n,
                                      .variance = variance_word(&training.problem),
                                      .is_regression = training.problem.task == TASK_REGRESSION,
                                      .constant_rmse = training.baseline.rmse,
                                      .constant_accuracy = training.baseline.accuracy,
                                      .begins_anew = !training.resume_path[0]};
    }
    train_release(&training);
    options_release(&copy);
    return outcome;
}
