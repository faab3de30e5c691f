/* SPDX-License-Identifier: BSD-3-Clause */
/* --split auto, --prune auto and --merge auto, and what a change of experts changes: by one pass of
 * the model before over the samples. */
#include "app/train/train_internal.h"

#include "app/judge/expert_survey.h"

#include "base/log.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_auto(const char *text)
{
    return text && strcmp(text, "auto") == 0;
}

static bool is_free(const struct reshape *reshape, size_t e)
{
    return reshape->expert[e].action == RESHAPE_KEEP;
}

static status prune_unused(const struct expert_survey *survey, struct reshape *reshape)
{
    status outcome = STATUS_OK;
    for (size_t e = 0; e < reshape->n_before && outcome == STATUS_OK; e++)
        if (survey->use.is_unused[e] && is_free(reshape, e))
            outcome = reshape_prune(reshape, e);
    return outcome;
}

static bool may_merge(const struct expert_survey *survey, const struct reshape *reshape, size_t e)
{
    return is_free(reshape, e) && !survey->use.is_unused[e];
}

/* The pair whose outputs differ least. */
static status merge_nearest(const struct expert_survey *survey, struct reshape *reshape)
{
    const struct expert_likeness *likeness = &survey->use.likeness;
    double least = INFINITY;
    size_t e = 0, f = 0, n = reshape->n_before;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n && may_merge(survey, reshape, a); b++) {
            double distance =
                may_merge(survey, reshape, b) ? expert_likeness_distance(likeness, a, b) : INFINITY;
            if (distance < least) {
                least = distance;
                e = a;
                f = b;
            }
        }
    if (e == f)
        return status_set(STATUS_USAGE, "--merge auto: there are no two experts in use to merge");
    return reshape_merge(reshape, e, f, 0.5);
}

/* The expert that most of the error comes from. */
static status split_worst(const struct expert_survey *survey, struct reshape *reshape)
{
    size_t worst = reshape->n_before;
    for (size_t e = 0; e < reshape->n_before; e++)
        if (is_free(reshape, e) &&
            (worst == reshape->n_before || survey->error[e] > survey->error[worst]))
            worst = e;
    if (worst == reshape->n_before)
        return status_set(STATUS_USAGE, "--split auto: no expert is left to split");
    return reshape_split(reshape, worst);
}

/* Of a pair, the share of its first in the use of both. */
static void measure_shares(const struct expert_survey *survey, struct reshape *reshape)
{
    const double *g = survey->use.g;
    for (size_t e = 0; e < reshape->n_before; e++) {
        struct reshape_expert *expert = &reshape->expert[e];
        double both = expert->action == RESHAPE_MERGE ? g[e] + g[expert->other] : 0;
        if (both > 0)
            expert->share = g[e] / both;
    }
}

static status choose(const struct options *options, const struct expert_survey *survey,
                     struct reshape *reshape)
{
    status outcome = STATUS_OK;
    if (is_auto(options->prune))
        outcome = prune_unused(survey, reshape);
    if (outcome == STATUS_OK && is_auto(options->merge))
        outcome = merge_nearest(survey, reshape);
    if (outcome == STATUS_OK && is_auto(options->split))
        outcome = split_worst(survey, reshape);
    measure_shares(survey, reshape);
    return outcome;
}

/* A line for the log, which is opened later. */
__attribute__((format(printf, 2, 3))) static status note(struct training *training,
                                                         const char *format, ...)
{
    char line[sizeof training->reshaped_path + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return string_list_add(&training->reshape_notes, line);
}

/* An expert that is kept, or the first of several in a row, has another number now. */
static status note_moved(struct training *training, size_t e)
{
    const struct reshape *reshape = &training->reshape;
    size_t place = reshape_place(reshape, e), n = 1;
    if (place == e || (e > 0 && is_free(reshape, e - 1)))
        return STATUS_OK;
    while (e + n < reshape->n_before && is_free(reshape, e + n))
        n++;
    if (n == 1)
        return note(training, "         expert %zu is now %zu", e, place);
    return note(training, "         experts %zu-%zu are now %zu-%zu", e, e + n - 1, place,
                place + n - 1);
}

static status note_expert(struct training *training, const struct expert_survey *survey, size_t e)
{
    const struct reshape *reshape = &training->reshape;
    const struct reshape_expert *expert = &reshape->expert[e];
    size_t place = reshape_place(reshape, e);
    double weight = survey->use.weight;
    switch (expert->action) {
    case RESHAPE_SPLIT:
        return note(training, "split    expert %zu: it becomes %zu and %zu, %s", e, place,
                    reshape_twin(reshape, e),
                    training->options->split_spread > 0 ? "apart by --split-spread"
                                                        : "predictions stay");
    case RESHAPE_PRUNE:
        return note(training,
                    "prune    expert %zu: its share of the mixture is %.3g in the mean and %.3g at "
                    "most, and no probability changes by more",
                    e, survey->use.g[e] / weight, survey->largest_g[e]);
    case RESHAPE_MERGE:
        return note(training,
                    "merge    experts %zu and %zu: they become %zu, %.3g of it the first; their "
                    "outputs differ by %.3g %% of the outputs' spread",
                    e, expert->other, place, expert->share,
                    100 * expert_likeness_distance(&survey->use.likeness, e, expert->other));
    case RESHAPE_KEEP:
        return note_moved(training, e);
    case RESHAPE_GONE:
        break;
    }
    return STATUS_OK;
}

static status note_all(struct training *training, const struct expert_survey *survey)
{
    const struct reshape *reshape = &training->reshape;
    const struct options *options = training->options;
    const char *from = training->resume_path[0] ? "state of the optimiser included"
                                                : "parameters only: training begins anew";
    status outcome = note(training, "experts  the %zu of %s become %zu, %s", reshape->n_before,
                          training->reshaped_path, reshape->n_after, from);
    for (size_t e = 0; e < reshape->n_before && outcome == STATUS_OK; e++)
        outcome = note_expert(training, survey, e);
    if (outcome == STATUS_OK && options->split && options->split_spread == 0 &&
        !optimizer_method_of(options->optimizer)->has_steps)
        outcome = note(training, "hint: EM hardly separates two experts that are so close, and may "
                                 "stop at once; --split-spread 0.1 starts them further apart");
    return outcome;
}

void reshape_show(const struct training *training)
{
    for (size_t i = 0; i < training->reshape_notes.n; i++)
        log_info("%s", training->reshape_notes.item[i]);
}

/* Collective. By the samples that the model was trained on, if the run goes on with them. */
static status survey(struct training *training, struct expert_survey *found)
{
    struct loaded_model loaded;
    struct options options = *training->options;
    options.part = training->reshaped_part;
    status outcome =
        loaded_model_open(training->comm, &options, training->reshaped_path, false, &loaded);
    if (outcome == STATUS_OK)
        outcome = loaded_model_spread(training->comm, &loaded);
    if (outcome == STATUS_OK)
        outcome = expert_survey_make(found, training->comm, &loaded);
    loaded_model_release(training->comm, &loaded);
    return outcome;
}

status reshape_choose(struct training *training)
{
    const struct communicator *comm = training->comm;
    struct expert_survey found = {0};
    communicator_broadcast(comm, &training->reshapes, sizeof training->reshapes);
    if (!training->reshapes)
        return STATUS_OK;
    status outcome = survey(training, &found);
    if (outcome == STATUS_OK && comm->rank == 0) {
        outcome = choose(training->options, &found, &training->reshape);
        if (outcome == STATUS_OK)
            outcome = reshape_set_experts(training);
        if (outcome == STATUS_OK)
            outcome = note_all(training, &found);
        if (outcome == STATUS_OK && training->options->dry_run)
            reshape_show(training);
    }
    expert_survey_release(&found);
    return communicator_agree(comm, outcome);
}
