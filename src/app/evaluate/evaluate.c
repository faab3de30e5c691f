/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"

#include "app/judge/evaluation.h"
#include "app/judge/loaded_model.h"
#include "base/json_number.h"
#include "base/log.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_errors(const char *name, const struct metrics_record *record)
{
    char text[256];
    int used = snprintf(text, sizeof text, "%-12s error %.6g  nll %.6g  expected square %.6g", name,
                        record->error, record->nll, record->expected_square);
    if (isfinite(record->rmse))
        used += snprintf(text + used, sizeof text - (size_t)used, "  rmse %.6g", record->rmse);
    if (isfinite(record->accuracy))
        snprintf(text + used, sizeof text - (size_t)used, "  accuracy %.2f %%",
                 100 * record->accuracy);
    log_info("%s", text);
}

static void print_baseline(const struct baseline *baseline)
{
    if (isfinite(baseline->rmse))
        log_info("to compare   rmse %.6g if the answer is always the mean of these targets",
                 baseline->rmse);
    if (isfinite(baseline->accuracy))
        log_info("to compare   accuracy %.2f %% if the answer is always the most frequent class",
                 100 * baseline->accuracy);
}

enum { GROUPS_SHOWN = 10 };

/* Those with the largest errors: the ones that are worth a look. */
static status print_groups(const struct evaluation *evaluation, const struct string_list *names)
{
    const struct metrics **order;
    size_t n = 0;
    status outcome = evaluation_order_groups(evaluation, &order, &n);
    if (outcome != STATUS_OK)
        return outcome;
    if (n > GROUPS_SHOWN)
        log_info("the %d of %zu groups with the largest error (--json lists all)", GROUPS_SHOWN, n);
    for (size_t i = 0; i < n && i < GROUPS_SHOWN; i++) {
        struct metrics_record record;
        char name[64];
        evaluation_summarise(evaluation, order[i], &record);
        snprintf(name, sizeof name, "group %s", names->item[order[i] - evaluation->groups]);
        print_errors(name, &record);
    }
    memory_free(&order);
    return outcome;
}

static void print_trust(struct evaluation *evaluation, const struct metrics_record *record)
{
    struct trust *trust = &evaluation->trust;
    log_info("gate         entropy %.3f: as %.2f equal experts for a sample", record->gate_entropy,
             exp(record->gate_entropy));
    if (trust->has_classes)
        log_info("calibration  confidence and accuracy differ by %.1f %% (expected calibration "
                 "error)",
                 100 * trust_calibration_error(trust));
    if (trust->has_density)
        log_info("calibration  intervals of 50 %% hold %.1f %% of the targets, of 90 %% %.1f %%",
                 100 * trust_coverage(trust, 0), 100 * trust_coverage(trust, 1));
    if (trust->n_shown > 0)
        log_info("samples about which gate and posterior disagree most (nats):");
    for (size_t i = 0; i < trust->n_shown; i++)
        log_info("  sample %" PRIu64 ": the gate says expert %zu, its target expert %zu (%.2f)",
                 trust->shown[i].sample, trust->shown[i].gate, trust->shown[i].posterior,
                 trust->shown[i].divergence);
}

static status print_text(struct evaluation *evaluation, const struct loaded_model *loaded)
{
    const struct source_info *info = source_info(loaded->source);
    struct metrics_record record;
    char name[64];
    evaluation_summarise(evaluation, &evaluation->all, &record);
    snprintf(name, sizeof name, "%zu samples", loaded->samples.dataset.shape.n);
    print_errors(name, &record);
    print_baseline(&evaluation->baseline);
    status outcome = class_recall_print(&evaluation->recall, &info->classes);
    expert_use_print(&evaluation->use, &loaded->record.classes);
    print_trust(evaluation, &record);
    return outcome == STATUS_OK ? print_groups(evaluation, &info->group_names) : outcome;
}

static void set_errors(json_t *object, const struct metrics_record *record)
{
    json_object_set_new(object, "error", json_number(record->error));
    json_object_set_new(object, "nll", json_number(record->nll));
    json_object_set_new(object, "expected_square", json_number(record->expected_square));
    json_object_set_new(object, "accuracy", json_number(record->accuracy));
    json_object_set_new(object, "rmse", json_number(record->rmse));
}

static json_t *experts_json(const struct expert_use *use)
{
    json_t *experts = json_array();
    for (size_t e = 0; e < use->n_experts; e++) {
        json_t *expert = json_object();
        json_object_set_new(expert, "expert", json_integer((json_int_t)e));
        json_object_set_new(expert, "mean_g", json_number(use->g[e] / use->weight));
        json_object_set_new(expert, "mean_h", json_number(use->h[e] / use->weight));
        json_object_set_new(expert, "first_for", json_integer((json_int_t)use->first[e]));
        json_object_set_new(expert, "unused", json_boolean(use->is_unused[e]));
        bool is_like_another = use->likeness.same_as[e] != e;
        json_object_set_new(expert, "same_as",
                            is_like_another ? json_integer((json_int_t)use->likeness.same_as[e])
                                            : json_null());
        json_array_append_new(experts, expert);
    }
    return experts;
}

static void set_trust(json_t *object, struct trust *trust)
{
    json_t *disagreements = json_array();
    json_object_set_new(object, "calibration_error",
                        json_number(trust->has_classes ? trust_calibration_error(trust) : NAN));
    json_object_set_new(object, "coverage_50",
                        json_number(trust->has_density ? trust_coverage(trust, 0) : NAN));
    json_object_set_new(object, "coverage_90",
                        json_number(trust->has_density ? trust_coverage(trust, 1) : NAN));
    for (size_t i = 0; i < trust->n_shown; i++)
        json_array_append_new(disagreements,
                              json_pack("{s:I, s:I, s:I, s:f}", "sample",
                                        (json_int_t)trust->shown[i].sample, "gate",
                                        (json_int_t)trust->shown[i].gate, "posterior",
                                        (json_int_t)trust->shown[i].posterior, "divergence",
                                        trust->shown[i].divergence));
    json_object_set_new(object, "disagreements", disagreements);
}

static void print_json(struct evaluation *evaluation, const struct loaded_model *loaded)
{
    const struct source_info *info = source_info(loaded->source);
    struct metrics_record record;
    json_t *result = json_object(), *groups = json_array();
    evaluation_summarise(evaluation, &evaluation->all, &record);
    json_object_set_new(result, "n", json_integer((json_int_t)loaded->samples.dataset.shape.n));
    json_object_set_new(result, "weight", json_number(evaluation->all.weight));
    set_errors(result, &record);
    json_object_set_new(result, "baseline_accuracy", json_number(evaluation->baseline.accuracy));
    json_object_set_new(result, "baseline_rmse", json_number(evaluation->baseline.rmse));
    json_object_set_new(result, "classes", class_recall_json(&evaluation->recall, &info->classes));
    json_object_set_new(result, "gate_entropy", json_number(record.gate_entropy));
    json_object_set_new(result, "experts", experts_json(&evaluation->use));
    set_trust(result, &evaluation->trust);
    for (size_t i = 0; i < evaluation->n_groups; i++) {
        if (evaluation->groups[i].weight == 0) /* none of its samples is in --part */
            continue;
        json_t *group = json_object();
        evaluation_summarise(evaluation, &evaluation->groups[i], &record);
        json_object_set_new(group, "group", json_string(info->group_names.item[i]));
        json_object_set_new(group, "weight", json_number(evaluation->groups[i].weight));
        set_errors(group, &record);
        json_array_append_new(groups, group);
    }
    json_object_set_new(result, "groups", groups);
    json_dumpf(result, stdout, JSON_REAL_PRECISION(17) | JSON_INDENT(1));
    fputc('\n', stdout);
    json_decref(result);
}

static status evaluate(const struct communicator *comm, const struct options *options,
                       struct loaded_model *loaded)
{
    struct evaluation evaluation;
    status outcome = evaluation_measure(&evaluation, comm, loaded);
    if (outcome == STATUS_OK) {
        if (comm->rank == 0 && options->json)
            print_json(&evaluation, loaded);
        else if (comm->rank == 0)
            outcome = print_text(&evaluation, loaded);
        outcome = communicator_agree(comm, outcome);
    }
    evaluation_release(&evaluation);
    return outcome;
}

/* Collective. */
static status run_evaluate(const struct communicator *comm, struct options *options)
{
    struct loaded_model loaded = {0};
    const char *path = options->positional.item[0];
    status outcome = loaded_model_take_held_out(comm, path, options);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = loaded_model_open(comm, options, path, false, &loaded);
    if (outcome == STATUS_OK)
        outcome = loaded_model_spread(comm, &loaded);
    if (outcome == STATUS_OK)
        outcome = evaluate(comm, options, &loaded);
    loaded_model_release(comm, &loaded);
    return outcome;
}

const struct command_entry evaluate_command = {
    .name = "evaluate",
    .positional = {"CHECKPOINT"},
    .usage = "coterie evaluate CHECKPOINT [--data DATA] [options]",
    .summary = "measures a trained mixture on data with known targets",
    .examples = "  coterie evaluate run                     on the samples that the run held out\n"
                "  coterie evaluate run --data builtin:vowels/test\n"
                "  mpirun -n 4 coterie evaluate run/checkpoints/best --data test.h5 --json\n",
    .run = run_evaluate,
};
