/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/loaded_model.h"
#include "app/judge/shared_networks.h"
#include "app/options/command.h"
#include "app/options/options.h"
#include "summary_state.h"

#include <string.h>

/* Root. What follows of the information. */
static status find_errors(const struct information *information, struct summary *summary)
{
    status outcome = covariance_init(&summary->covariance, information, summary->fit.order[0],
                                     summary->is_robust);
    return outcome == STATUS_OK
               ? coefficients_init(&summary->coefficients, information, &summary->covariance,
                                   &summary->loaded->record.scaler, summary->level)
               : outcome;
}

/* Collective. */
static status find_coefficients(const struct communicator *comm, const struct options *options,
                                const struct snapshot *snapshot, struct sample_groups *groups,
                                struct summary *summary)
{
    struct information information;
    struct bootstrap_plan plan = {.n = (size_t)options->bootstrap,
                                  .reference = comm->rank == 0 ? summary->fit.order[0] : 0,
                                  .seed = options->seed,
                                  .level = options->level};
    status outcome =
        communicator_agree(comm, information_init(&information, &snapshot->shape,
                                                  &snapshot->current, summary->is_robust));
    if (outcome == STATUS_OK)
        outcome = information_sum(&information, groups);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = find_errors(&information, summary);
    outcome = communicator_agree(comm, outcome);
    communicator_broadcast(comm, &plan.reference, sizeof plan.reference);
    if (outcome == STATUS_OK && plan.n > 0)
        outcome = bootstrap_run(&summary->bootstrap, comm, summary->loaded, &information, &plan,
                                &summary->coefficients);
    if (outcome == STATUS_OK && plan.n > 0 && options->test_experts)
        outcome = more_experts_test(&summary->more, comm, summary->loaded, &information, &plan);
    information_release(&information);
    return outcome;
}

static status summarise(const struct communicator *comm, const struct options *options,
                        const struct loaded_model *loaded)
{
    const struct model_config *config = &loaded->problem.model;
    struct summary summary = {.loaded = loaded,
                              .lacks = information_lacks(config),
                              .level = options->level,
                              .is_robust = options->robust};
    struct sample_groups groups = {0};
    struct snapshot snapshot;
    status outcome = shared_networks(comm, loaded, &snapshot);
    if (outcome == STATUS_OK)
        outcome = sample_groups_init(&groups, comm, &loaded->samples.dataset, config->n_inputs,
                                     config->n_outputs);
    if (outcome == STATUS_OK)
        outcome = fit_measure(&summary.fit, comm, loaded, &snapshot, &groups);
    if (outcome == STATUS_OK && !summary.lacks)
        outcome = find_coefficients(comm, options, &snapshot, &groups, &summary);
    if (outcome == STATUS_OK && comm->rank == 0) {
        if (options->json)
            summary_print_json(&summary);
        else
            summary_print(&summary);
    }
    fit_release(&summary.fit);
    covariance_release(&summary.covariance);
    coefficients_release(&summary.coefficients);
    bootstrap_release(&summary.bootstrap);
    sample_groups_release(&groups);
    snapshot_release(&snapshot);
    return outcome;
}

/*
 * Collective. The coefficients of a trained mixture with their standard errors, how well it fits,
 * and what its inputs do: docs/summary.md.
 */
static status run_summary(const struct communicator *comm, struct options *options)
{
    struct loaded_model loaded = {0};
    const char *path = options->positional.item[0];
    if (options->test_experts && options->bootstrap == 0)
        return status_set(STATUS_USAGE, "--test-experts needs refits; add --bootstrap 999");
    status outcome = loaded_model_take_trained(comm, path, options);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = loaded_model_open(comm, options, path, false, &loaded);
    if (outcome == STATUS_OK)
        outcome = summarise(comm, options, &loaded);
    loaded_model_release(comm, &loaded);
    return outcome;
}

const struct command_entry summary_command = {
    .name = "summary",
    .positional = {"CHECKPOINT"},
    .usage = "coterie summary CHECKPOINT [--data DATA] [options]",
    .summary = "shows coefficients with standard errors, and what the inputs do",
    .examples = "  coterie summary run                      on the samples of the training\n"
                "  coterie summary run --robust --level 0.9\n"
                "  mpirun -n 4 coterie summary run/checkpoints/best --data d.h5 --json\n\n"
                "Of each expert and the gate, where they have no hidden layers: coefficients in\n"
                "the units of the data, standard errors by the observed information of the\n"
                "mixture, z, p and confidence intervals. Of every model: log-likelihood, AIC,\n"
                "BIC, ICL and the mean slope of the prediction by each input.\n",
    .run = run_summary,
};
