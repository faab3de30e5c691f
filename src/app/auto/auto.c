/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"

#include "app/options/option_entry.h"
#include "app/train/train.h"
#include "app/train/train_internal.h"
#include "base/log.h"
#include "base/memory.h"
#include "candidates.h"
#include "closing.h"
#include "data/formats/formats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Root. */
static status is_wanted(const struct communicator *comm, const struct options *options,
                        struct train_facts *facts, bool *wanted)
{
    enum { LEAST_UNITS = 10 };
    *wanted = false;
    if (options->effort > 9)
        return status_set(STATUS_USAGE, "--effort must be from 1 to 9, not %ld", options->effort);
    if (options->automatic == AUTO_OFF || options_said(options, OPTION_TAKES_CHARGE) ||
        source_format_of(options->data)->is_built_in)
        return STATUS_OK;
    status outcome = train_find_facts(comm, options, facts);
    *wanted = outcome == STATUS_OK && facts->begins_anew && facts->n_units >= LEAST_UNITS &&
              (!options_is_set(options, "committee") || options->committee > 1);
    return outcome;
}

/* What has been tried, and the best of it. Root, but for n_candidates. */
struct search {
    struct options *options; /* not owned */
    struct train_facts facts;
    struct regime regime;
    int best;                              /* candidate, -1: none yet */
    struct train_trial best_trial, linear; /* the latter of CANDIDATE_LINEAR */
    char *done[16];                        /* options of trials, so that none is tried twice */
    size_t n_done;
    char why[1024]; /* the last that could not be trained */
};

/* Root. The options of a trial; *is_new is false if they have been tried. */
static status options_of_trial(struct search *search, const struct candidate *candidate,
                               struct options *trial, bool *is_new)
{
    char *text = NULL;
    status outcome = options_to_text(search->options, &text);
    if (outcome == STATUS_OK)
        outcome = options_from_text(trial, text);
    memory_free(&text);
    if (outcome == STATUS_OK)
        outcome = candidates_apply(trial, candidate, &search->regime, &search->facts,
                                   search->regime.trial_epochs);
    if (outcome == STATUS_OK)
        outcome = options_to_text(trial, &text);
    *is_new = outcome == STATUS_OK;
    for (size_t i = 0; i < search->n_done && *is_new; i++)
        *is_new = strcmp(search->done[i], text) != 0;
    if (*is_new && search->n_done < sizeof search->done / sizeof search->done[0])
        search->done[search->n_done++] = text;
    else
        memory_free(&text);
    return outcome;
}

/* Root. */
static void judge(struct search *search, int candidate, const struct train_trial *trial)
{
    char error[64] = "";
    if (isfinite(trial->rmse))
        snprintf(error, sizeof error, ", rmse %.6g", trial->rmse);
    else if (isfinite(trial->accuracy))
        snprintf(error, sizeof error, ", accuracy %.1f %%", 100 * trial->accuracy);
    log_info("tried    %-27s nll %.5g%s, %lld epochs", candidates[candidate].name, trial->nll,
             error, (long long)trial->epochs);
    if (candidate == CANDIDATE_LINEAR)
        search->linear = *trial;
    double margin = search->best == CANDIDATE_USUAL ? candidates_margin(&search->facts) : 0;
    double least = search->best >= 0 ? candidates_score(&search->best_trial) - margin : INFINITY;
    if (!(candidates_score(trial) < least))
        return;
    search->best = candidate;
    search->best_trial = *trial;
}

/* Collective. A candidate that cannot be trained is only out of the question. */
static status try_candidate(const struct communicator *comm, struct search *search, int candidate)
{
    struct options options = {0};
    struct train_trial trial = {NAN, NAN, NAN, 0, 0};
    bool is_new = false;
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = options_of_trial(search, &candidates[candidate], &options, &is_new);
    outcome = options_share(comm, outcome, &options);
    communicator_broadcast(comm, &is_new, sizeof is_new);
    if (outcome == STATUS_OK && is_new) {
        outcome = train_try(comm, &options, &trial);
        if (outcome == STATUS_FAILED) {
            snprintf(search->why, sizeof search->why, "%s", status_text());
            outcome = STATUS_OK;
        }
        if (outcome == STATUS_OK && comm->rank == 0)
            judge(search, candidate, &trial);
    }
    options_release(&options);
    return outcome;
}

/* Root. What will be done, and why. */
static void show_choice(const struct search *search, bool has_tried)
{
    const struct train_facts *facts = &search->facts;
    log_info("chosen   %s, because %s", candidates[search->best].name,
             !has_tried ? "this effort tries nothing"
             : search->best == CANDIDATE_USUAL
                 ? "nothing else is clearly better on samples left out"
                 : "nothing else is better on samples left out");
    log_info("         a committee of %ld: its members leave out other samples, which tell when to "
             "stop",
             search->options->committee);
    log_info("         batches of %ld, because %zu samples are %s", search->options->batch_size,
             facts->n, facts->n < 5000 ? "few" : "many");
    log_info("         (--auto off: fixed defaults; what is given holds)");
}

static status choose(const struct communicator *comm, struct search *search)
{
    status outcome = STATUS_OK;
    int n_tried = 0;
    bool is_trial_needed = search->options->effort > 1 && !search->options->dry_run;
    for (int c = 0; c < (int)candidates_count() && outcome == STATUS_OK; c++) {
        if (candidates[c].least_effort > search->options->effort)
            continue;
        if (!is_trial_needed) {
            search->best = c;
            continue;
        }
        outcome = try_candidate(comm, search, c);
        n_tried++;
    }
    if (outcome == STATUS_OK && comm->rank == 0 && search->best < 0)
        outcome = status_set(STATUS_FAILED, "no structure could be tried: %s", search->why);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = candidates_apply(search->options, &candidates[search->best], &search->regime,
                                   &search->facts, search->regime.epochs);
    if (outcome == STATUS_OK && comm->rank == 0)
        show_choice(search, n_tried > 0);
    return options_share(comm, outcome, search->options);
}

/*
 * Collective. `coterie train`, where what is not said is chosen by the data (--auto on): a
 * committee of every candidate structure is trained, and the one trained in earnest that says the
 * most likely things of the samples its members have left out. The choice hangs on data, options
 * and seed only, never on the ranks.
 */
static status run_train(const struct communicator *comm, struct options *options)
{
    struct search search = {.options = options, .best = -1, .linear = {NAN, NAN, NAN, 0, 0}};
    bool wanted = false;
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = is_wanted(comm, options, &search.facts, &wanted);
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    communicator_broadcast(comm, &wanted, sizeof wanted);
    if (wanted) {
        search.regime = candidates_regime(&search.facts, options->effort);
        outcome = choose(comm, &search);
    }
    for (size_t i = 0; i < search.n_done; i++)
        memory_free(&search.done[i]);
    if (outcome == STATUS_OK)
        outcome = train_run(comm, options, NULL);
    if (outcome == STATUS_OK && comm->rank == 0 && isfinite(search.linear.nll))
        closing_words(&search.facts, &search.best_trial, &search.linear);
    return outcome;
}

const struct command_entry train_command = {
    .name = "train",
    .usage = "coterie train [options]",
    .summary = "trains a mixture of local experts",
    .examples = "  coterie train                            the built-in vowels, with defaults\n"
                "  coterie train --data wine.csv            options are chosen to fit the data\n"
                "  mpirun -n 4 coterie train --experts 8 --output run\n"
                "  mpirun -n 4 coterie train --data wine.csv --targets quality --valid 0.2 \\\n"
                "      --expert-hidden 32 --batch-size 256 --epochs 200 --output wine\n"
                "  mpirun -n 2 coterie train --output run --resume auto --epochs 1000\n",
    .stops_on_request = true,
    .run = run_train,
};
