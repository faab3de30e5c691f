/* SPDX-License-Identifier: BSD-3-Clause */
/* --split, --prune and --merge: what is asked for, and of which model. reshape_choice.c decides. */
#include "app/train/train_internal.h"

#include "app/options/option_text.h"

#include "app/judge/loaded_model.h"

#include <stdlib.h>
#include <string.h>

status reshape_find(struct training *training)
{
    const struct options *options = training->options;
    const struct option_entry *said = options_said(options, OPTION_RESHAPES);
    bool resumes_itself = training->resume_path[0] && strcmp(options->resume, "auto") == 0;
    training->reshapes = false;
    if (!said || resumes_itself)
        return STATUS_OK;
    if (training->resume_path[0] && run_directory_holds_run(training->output))
        return status_set(STATUS_USAGE,
                          "--%s: %s holds a run already, and a model with other experts begins a "
                          "new one; choose another --output",
                          said->name, training->output);
    if (!training->resume_path[0] && !options->init)
        return status_set(STATUS_USAGE,
                          "--%s changes a trained model: name it with --resume RUN, or --init RUN "
                          "to begin with its parameters only, and give a new --output",
                          said->name);
    training->reshapes = true;
    return STATUS_OK;
}

/* --resume auto: the run was begun with the same request, or another run is meant. */
static status check_same_request(const struct training *training, const struct run_record *record)
{
    const struct options *options = training->options;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_entry *entry = &option_table[i];
        if (!(entry->traits & OPTION_RESHAPES) || !options->is_set[i])
            continue;
        char key[OPTION_KEY_SIZE];
        option_key(entry, key);
        const char *recorded = run_record_config(record, key);
        const char *said = options_value(options, entry->name);
        if (*said && strcmp(said, recorded ? recorded : "") != 0)
            return status_set(STATUS_USAGE,
                              "--%s %s: %s continues with the experts it has; for a new run with "
                              "others give --resume %s and another --output",
                              entry->name, said, training->output, training->output);
    }
    return STATUS_OK;
}

status reshape_check_resumed(const struct training *training, const struct run_record *record)
{
    return training->reshapes ? STATUS_OK : check_same_request(training, record);
}

static status refuse_list(const char *key, const char *text)
{
    return status_set(STATUS_USAGE,
                      strcmp(key, "merge") == 0
                          ? "--%s must be auto, or pairs of experts such as 1,4 or 1,4;2,3, not %s"
                          : "--%s must be auto, or numbers of experts such as 2,5, not %s",
                      key, text);
}

static status read_numbers(struct reshape *reshape, const char *key, const char *text,
                           status (*change)(struct reshape *reshape, size_t e))
{
    const char *at = text;
    status outcome = STATUS_OK;
    for (bool more = true; more && outcome == STATUS_OK; at++) {
        uint64_t e;
        if (!option_read_count(at, &e, &at) || (*at && *at != ','))
            return refuse_list(key, text);
        more = *at == ',';
        outcome = change(reshape, (size_t)e);
    }
    return outcome;
}

static status read_pairs(struct reshape *reshape, const char *text)
{
    const char *at = text;
    status outcome = STATUS_OK;
    for (bool more = true; more && outcome == STATUS_OK; at++) {
        uint64_t e, f;
        if (!option_read_count(at, &e, &at) || *at++ != ',' || !option_read_count(at, &f, &at) ||
            (*at && *at != ';'))
            return refuse_list("merge", text);
        more = *at == ';';
        /* The share is measured. */
        outcome = reshape_merge(reshape, (size_t)e, (size_t)f, 0.5);
    }
    return outcome;
}

static bool is_auto(const char *text)
{
    return text && strcmp(text, "auto") == 0;
}

static status read_requests(struct training *training)
{
    const struct options *options = training->options;
    struct reshape *reshape = &training->reshape;
    status outcome = STATUS_OK;
    if (options->split && !is_auto(options->split))
        outcome = read_numbers(reshape, "split", options->split, reshape_split);
    if (outcome == STATUS_OK && options->prune && !is_auto(options->prune))
        outcome = read_numbers(reshape, "prune", options->prune, reshape_prune);
    if (outcome == STATUS_OK && options->merge && !is_auto(options->merge))
        outcome = read_pairs(reshape, options->merge);
    return outcome;
}

/* The checkpoint must be one that verifies; its number of experts. */
static status read_source(struct training *training, size_t *n_experts)
{
    struct run_record record = {0};
    struct hdf5_file *file;
    char path[sizeof training->reshaped_path];
    const char *resumed = training->resume_path;
    status outcome =
        checkpoint_find(resumed[0] ? resumed : training->options->init, path, sizeof path);
    if (outcome == STATUS_OK)
        outcome = checkpoint_open(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = checkpoint_read_record(file, &record);
    const char *recorded = run_record_config(&record, "experts");
    *n_experts = recorded ? strtoul(recorded, NULL, 10) : 0;
    if (outcome == STATUS_OK && *n_experts == 0)
        outcome = status_set(STATUS_USAGE, "%s does not say how many experts it has", path);
    memcpy(training->reshaped_path, path, sizeof path);
    training->reshaped_part =
        resumed[0] && loaded_model_held_out(&record) > 0 ? PART_TRAIN : PART_ALL;
    run_record_release(&record);
    return hdf5_close_after(&file, outcome);
}

static status check_options(const struct options *options)
{
    if (options->committee > 1)
        return status_set(STATUS_USAGE,
                          "--split, --prune and --merge change experts of one mixture, and this is "
                          "a committee of %ld: train one with --committee 1, or leave them out",
                          options->committee);
    if (!reshape_is_possible(options->gate))
        return status_set(
            STATUS_USAGE,
            "--split, --prune and --merge cannot change the experts of --gate %s: its "
            "tree says how many there are; train one with --gate softmax",
            gate_kind_of(options->gate)->name);
    if (options->split && options->top_k > 0)
        return status_set(STATUS_USAGE,
                          "--split halves an expert's mixing proportion, by which --top-k chooses: "
                          "predictions would change; split without --top-k");
    return STATUS_OK;
}

status reshape_set_experts(struct training *training)
{
    char number[32];
    struct options *options = training->options;
    const struct reshape *reshape = &training->reshape;
    long wanted = (long)reshape->n_after;
    if (training->said_experts > 0 && training->said_experts != wanted)
        return status_set(
            STATUS_USAGE, "--experts %ld: the %zu experts of %s become %ld; leave --experts out",
            training->said_experts, reshape->n_before, training->reshaped_path, wanted);
    snprintf(number, sizeof number, "%ld", wanted);
    return options_set(options, "experts", number, "automatic choice");
}

status reshape_prepare(struct training *training)
{
    const struct options *options = training->options;
    size_t n_experts = 0;
    if (!training->reshapes)
        return STATUS_OK;
    status outcome = check_options(options);
    if (outcome == STATUS_OK)
        outcome = read_source(training, &n_experts);
    if (outcome == STATUS_OK)
        outcome = reshape_init(&training->reshape, n_experts, options->split_spread, options->seed);
    if (outcome == STATUS_OK)
        outcome = read_requests(training);
    return outcome;
}
