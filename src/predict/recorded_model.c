/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict/recorded_model.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct word {
    const char *word; /* NULL ends a list */
    int value;
};

static const struct word activations[] = {{"tanh", ACTIVATION_TANH},
                                          {"relu", ACTIVATION_RELU},
                                          {"gelu", ACTIVATION_GELU},
                                          {"logistic", ACTIVATION_LOGISTIC},
                                          {0}};
static const struct word errors[] = {{"cooperative", ERROR_COOPERATIVE},
                                     {"competitive", ERROR_COMPETITIVE},
                                     {"mixture", ERROR_MIXTURE},
                                     {0}};

static status refuse(const char *key, const char *value)
{
    return status_set(STATUS_USAGE,
                      "the checkpoint says %s: %s, which this version of coterie does not know; "
                      "use the version that wrote it, or a newer one",
                      key, value ? value : "nothing");
}

static status read_word(const struct run_record *record, const char *key, const struct word *words,
                        int *value)
{
    const char *text = run_record_config(record, key);
    for (; text && words->word; words++)
        if (strcmp(words->word, text) == 0) {
            *value = words->value;
            return STATUS_OK;
        }
    return refuse(key, text);
}

static status read_size(const struct run_record *record, const char *key, size_t *value)
{
    const char *text = run_record_config(record, key);
    char *end = NULL;
    unsigned long long number = text ? strtoull(text, &end, 10) : 0;
    if (!text || end == text || *end != '\0')
        return refuse(key, text);
    *value = (size_t)number;
    return STATUS_OK;
}

/* "none", or widths with commas between. */
static status read_widths(const struct run_record *record, const char *key, size_t *width,
                          size_t *n)
{
    const char *text = run_record_config(record, key);
    *n = 0;
    if (text && strcmp(text, "none") == 0)
        return STATUS_OK;
    for (const char *at = text; at; at = *at == ',' ? at + 1 : NULL) {
        char *end;
        unsigned long long number = strtoull(at, &end, 10);
        if (end == at || number == 0 || *n == MLP_MAX_HIDDEN || (*end != ',' && *end != '\0'))
            return refuse(key, text);
        width[(*n)++] = (size_t)number;
        at = end;
    }
    return text ? STATUS_OK : refuse(key, text);
}

/* By the names in the table of gates. */
static status read_gate(const struct run_record *record, struct model_config *config)
{
    const char *name = run_record_config(record, "gate");
    if (name && gate_from_text(name, &config->gate, &config->gate_levels))
        return STATUS_OK;
    return refuse("gate", name);
}

/* By the names in the tables of output functions and of likelihoods. */
static status read_families(const struct run_record *record, int *output, int *likelihood)
{
    const char *output_name = run_record_config(record, "expert_output");
    const char *family_name = run_record_config(record, "likelihood");
    *output = *likelihood = -1;
    for (int k = 0; output_name && k < OUTPUT_KINDS; k++)
        *output = strcmp(output_names[k], output_name) == 0 ? k : *output;
    for (int k = 0; family_name && k < LIKELIHOOD_KINDS; k++)
        *likelihood = strcmp(likelihood_names[k], family_name) == 0 ? k : *likelihood;
    return *output < 0       ? refuse("expert_output", output_name)
           : *likelihood < 0 ? refuse("likelihood", family_name)
                             : STATUS_OK;
}

static status read_words(const struct run_record *record, struct model_config *config)
{
    int activation = 0, output = 0, likelihood = 0, error = 0;
    const struct {
        const char *key;
        const struct word *words;
        int *value;
    } rows[] = {{"activation", activations, &activation}, {"error", errors, &error}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && outcome == STATUS_OK; i++)
        outcome = read_word(record, rows[i].key, rows[i].words, rows[i].value);
    if (outcome == STATUS_OK)
        outcome = read_gate(record, config);
    if (outcome == STATUS_OK)
        outcome = read_families(record, &output, &likelihood);
    config->activation = (enum activation)activation;
    config->output = (enum output_kind)output;
    config->likelihood = (enum likelihood_kind)likelihood;
    config->error = (enum error_kind)error;
    return outcome;
}

static status read_inputs(const struct run_record *record, struct model_config *config)
{
    const char *gate = run_record_config(record, "gate_inputs");
    status outcome =
        input_choice_read("gate-inputs", gate, &record->input_names, &config->gate_inputs);
    if (outcome == STATUS_OK)
        outcome = input_choice_read("expert-inputs", run_record_config(record, "expert_inputs"),
                                    &record->input_names, &config->expert_inputs);
    return outcome == STATUS_OK ? model_set_offset(config, run_record_config(record, "offset"),
                                                   gate && *gate, &record->input_names)
                                : outcome;
}

/* A family of classes has no quantiles, for one, that a regression could be asked for. */
static status check_task(const struct run_record *record, const struct model_config *config)
{
    const char *task = run_record_config(record, "task");
    bool is_classifier = task && strcmp(task, "classification") == 0;
    return is_classifier || !likelihood_family(config->likelihood)->is_classifier
               ? STATUS_OK
               : refuse("task", task);
}

status recorded_model(const struct run_record *record, struct model_config *config)
{
    memset(config, 0, sizeof *config);
    status outcome = read_words(record, config);
    if (outcome == STATUS_OK)
        outcome = check_task(record, config);
    if (outcome == STATUS_OK)
        outcome = read_size(record, "experts", &config->n_experts);
    if (outcome == STATUS_OK && run_record_config(record, "committee"))
        outcome = read_size(record, "committee", &config->n_members);
    if (outcome == STATUS_OK)
        outcome = read_size(record, "top_k", &config->top_k);
    if (outcome == STATUS_OK)
        outcome =
            read_widths(record, "expert_hidden", config->expert_hidden, &config->n_expert_hidden);
    if (outcome == STATUS_OK)
        outcome = read_widths(record, "gate_hidden", config->gate_hidden, &config->n_gate_hidden);
    if (outcome == STATUS_OK)
        outcome = read_inputs(record, config);
    if (outcome != STATUS_OK)
        return outcome;
    config->n_experts *= model_n_members(config); /* the record has those of one member */
    config->n_inputs = record->scaler.n_inputs;
    bool two_in_one = output_functions[config->output].decides_each && record->classes.n == 2;
    config->n_outputs = record->scaler.n_targets > 0 ? record->scaler.n_targets
                        : two_in_one                 ? 1
                                                     : record->classes.n;
    if (config->n_experts == 0 || config->n_inputs == 0 || config->n_outputs == 0)
        return status_set(STATUS_USAGE, "the checkpoint has no experts, inputs or outputs");
    return STATUS_OK;
}

status recorded_gaps(const struct run_record *record, size_t n_inputs, struct gap_inputs *gaps,
                     size_t **told_by)
{
    const char *missing = run_record_config(record, "missing");
    struct string_list none = {0};
    bool has_learned = missing && strcmp(missing, "auto") == 0;
    status outcome = gap_inputs_find(gaps, has_learned ? &record->input_names : &none);
    if (!has_learned)
        gaps->n_own = n_inputs;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(told_by, gaps->n_own, sizeof **told_by, "a model");
    if (outcome == STATUS_OK)
        gap_inputs_spread(gaps, &record->input_names, *told_by);
    return outcome;
}
