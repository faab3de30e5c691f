/* SPDX-License-Identifier: BSD-3-Clause */
#include "more_experts.h"

#include "base/memory.h"
#include "dealt_refits.h"
#include "train/inference/refit.h"
#include "train/inference/split_expert.h"

#include <math.h>
#include <string.h>

enum { VARIANTS = 12 };

static const double least_variance = 0.0025; /* of the least one of E experts */

struct comparison {
    const struct bootstrap_plan *plan;
    struct information large_model; /* of E + 1 experts */
    struct refit small, large;
};

/* 2 (ln L_{E+1} - ln L_E) of targets; NAN if E did not converge. */
static status find_statistic(struct comparison *comparison, const struct dataset *targets,
                             double *statistic)
{
    struct refit *small = &comparison->small, *large = &comparison->large;
    struct covariance covariance;
    *statistic = NAN;
    small->fitted = large->fitted = targets;
    status outcome = refit_climb(small, &covariance);
    covariance_release(&covariance);
    if (outcome != STATUS_OK || !small->converged)
        return outcome;
    double best = small->log_likelihood;
    for (size_t i = 0; i < VARIANTS * small->information->layout.n_experts; i++) {
        split_expert(small->information, i / VARIANTS, i % VARIANTS, large->information);
        refit_start_here(large);
        outcome = refit_climb(large, &covariance);
        covariance_release(&covariance);
        if (outcome != STATUS_OK)
            return outcome;
        best = fmax(best, large->log_likelihood);
    }
    *statistic = 2 * (best - small->log_likelihood);
    return STATUS_OK;
}

static status one_refit(void *context, size_t number, double *told)
{
    struct comparison *comparison = context;
    refit_draw(&comparison->small, comparison->plan->seed, (uint32_t)number);
    return find_statistic(comparison, &comparison->small.drawn, told);
}

static status comparison_init(struct comparison *comparison, const struct loaded_model *loaded,
                              struct information *information, const struct bootstrap_plan *plan)
{
    struct model_config config = loaded->problem.model;
    const struct dataset *dataset = &loaded->samples.dataset;
    double floor = config.variance_floor, least = INFINITY;
    memset(comparison, 0, sizeof *comparison);
    comparison->plan = plan;
    for (size_t e = 0; e < config.n_experts; e++)
        least = fmin(least, information->parameters.dispersion[e].variance);
    config.n_experts++;
    status outcome = information_init_empty(&comparison->large_model, &config, false);
    if (outcome == STATUS_OK)
        outcome = refit_init(&comparison->small, information, dataset, plan->reference, floor);
    if (outcome == STATUS_OK)
        outcome = refit_init(&comparison->large, &comparison->large_model, dataset, plan->reference,
                             fmax(floor, least_variance * least));
    return outcome;
}

static void comparison_release(struct comparison *comparison)
{
    refit_release(&comparison->small);
    refit_release(&comparison->large);
    information_release(&comparison->large_model);
}

/* Root. */
static void judge(struct more_experts *test, const double *drawn, size_t n)
{
    size_t above = 0;
    for (size_t r = 0; drawn && r < n; r++) {
        test->n += isnan(drawn[r]) ? 0 : 1;
        above += drawn[r] >= test->statistic;
    }
    test->p = isnan(test->statistic) ? NAN : (1 + (double)above) / (1 + (double)test->n);
}

status more_experts_test(struct more_experts *test, const struct communicator *comm,
                         const struct loaded_model *loaded, struct information *information,
                         const struct bootstrap_plan *plan)
{
    struct comparison comparison;
    double *drawn = NULL;
    memset(test, 0, sizeof *test);
    status outcome = comparison_init(&comparison, loaded, information, plan);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = memory_alloc(&drawn, plan->n, sizeof *drawn, "the bootstrap");
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = find_statistic(&comparison, &loaded->samples.dataset, &test->statistic);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = dealt_refits(comm, plan->n, 1, one_refit, &comparison, drawn);
    if (outcome == STATUS_OK && comm->rank == 0)
        judge(test, drawn, plan->n);
    comparison_release(&comparison);
    memory_free(&drawn);
    return outcome;
}
