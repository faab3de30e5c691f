/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/model_config.h"

#include "model/gate/committee.h"

#include "model/network/parameters.h"

#include <stdio.h>

struct gate_config model_gate_config(const struct model_config *config)
{
    return (struct gate_config){.choice = config->gate,
                                .n_inputs = config->n_inputs,
                                .n_experts = config->n_experts,
                                .n_members = model_n_members(config),
                                .hidden = config->gate_hidden,
                                .n_hidden = config->n_gate_hidden,
                                .activation = config->activation,
                                .is_bf16 = config->is_bf16,
                                .levels = config->gate_levels,
                                .seen = &config->gate_inputs};
}

static status check_gate(const struct model_config *config)
{
    const struct gate_kind *kind = gate_kind_of(config->gate);
    if (kind->is_density && config->error != ERROR_MIXTURE)
        return status_set(STATUS_USAGE,
                          "@gate %s is a part of the likelihood and needs @error mixture",
                          kind->name);
    if (!kind->is_network && config->n_gate_hidden > 0)
        return status_set(STATUS_USAGE,
                          "@gate %s has no hidden layers{: leave @gate-hidden out, or use @gate "
                          "softmax}",
                          kind->name);
    if (!kind->is_network && config->top_k > 0)
        return status_set(STATUS_USAGE,
                          "@gate %s uses all experts{: leave @top-k out, or use @gate softmax}",
                          kind->name);
    size_t own = config->n_experts / model_n_members(config);
    if (kind->has_levels && gate_levels_n_experts(&config->gate_levels) != own) {
        char text[GATE_TEXT];
        gate_to_text(config->gate, &config->gate_levels, text);
        return status_set(
            STATUS_USAGE,
            "@gate %s leads to %zu experts, but @experts is %zu{: leave @experts out}", text,
            gate_levels_n_experts(&config->gate_levels), own);
    }
    return STATUS_OK;
}

status model_set_offset(struct model_config *config, const char *name, bool gate_is_told,
                        const struct string_list *input_names)
{
    struct input_choice *experts = &config->expert_inputs;
    size_t n = input_names->n, input = 0;
    if (!name || !*name)
        return STATUS_OK;
    status outcome = input_choice_find("offset", name, input_names, &input);
    if (outcome == STATUS_OK)
        outcome = input_choice_leave_out("expert-inputs", n, input, experts);
    if (outcome == STATUS_OK && !gate_is_told)
        outcome = input_choice_leave_out("gate-inputs", n, input, &config->gate_inputs);
    experts->offset = (uint32_t)input + 1;
    return outcome;
}

/* It is added to the logarithm of a mean, in the place of a weight of linear experts. */
static status check_offset(const struct model_config *config)
{
    if (config->expert_inputs.offset == 0)
        return STATUS_OK;
    if (!output_functions[config->output].is_log_link)
        return status_set(STATUS_USAGE,
                          "@offset is added to the logarithm of the mean and needs @likelihood "
                          "poisson, negative-binomial, zero-inflated-poisson, gamma or lognormal"
                          "{: subtract it from the targets instead}");
    if (config->n_expert_hidden > 0)
        return status_set(STATUS_USAGE,
                          "@offset is for linear experts{; leave @expert-hidden out}");
    return STATUS_OK;
}

/* What is made of inputs has no meaning where there are none. */
static status check_inputs(const struct model_config *config)
{
    const struct gate_kind *kind = gate_kind_of(config->gate);
    bool gate_has = input_choice_count(&config->gate_inputs, config->n_inputs) > 0;
    bool experts_have = input_choice_count(&config->expert_inputs, config->n_inputs) > 0;
    if (!gate_has && kind->is_density)
        return status_set(STATUS_USAGE,
                          "@gate %s is a density of its inputs and needs some{: use @gate softmax, "
                          "whose mixing proportions with @gate-inputs none are constants, too}",
                          kind->name);
    if (!gate_has && config->n_gate_hidden > 0)
        return status_set(STATUS_USAGE, "@gate-hidden: with @gate-inputs none mixing proportions "
                                        "are constants{; leave @gate-hidden out}");
    if (!gate_has && model_is_routed(config))
        return status_set(
            STATUS_USAGE,
            "@top-k: with @gate-inputs none all samples would have the same experts{; "
            "leave @top-k out, and give fewer @experts}");
    if (!experts_have && config->n_expert_hidden > 0)
        return status_set(STATUS_USAGE, "@expert-hidden: with @expert-inputs none experts are "
                                        "constants{; leave @expert-hidden out}");
    return STATUS_OK;
}

/* The members share samples and batches, and no more: what is said of all experts has no meaning.
 */
static status check_committee(const struct model_config *config)
{
    const struct gate_kind *gate = gate_kind_of(config->gate);
    char gate_name[32];
    snprintf(gate_name, sizeof gate_name, "gate %s", gate->name);
    const char *other = !gate->has_members               ? gate_name
                        : config->error != ERROR_MIXTURE ? "error cooperative or competitive"
                        : config->top_k > 0              ? "top-k"
                        : config->balance_weight != 0    ? "balance-weight"
                        : config->entropy_weight != 0    ? "entropy-weight"
                                                         : NULL;
    if (config->n_members > COMMITTEE_MOST)
        return status_set(STATUS_USAGE, "@committee %zu: at most %d members", config->n_members,
                          COMMITTEE_MOST);
    if (config->n_members > 1 && other)
        return status_set(STATUS_USAGE,
                          "@committee %zu cannot be combined with @%s{: use @committee 1}",
                          config->n_members, other);
    return STATUS_OK;
}

static status check_bf16(const struct model_config *config)
{
    if (!config->is_bf16)
        return STATUS_OK;
    if (sizeof(real) != sizeof(float))
        return status_set(STATUS_USAGE, "@precision bf16 sums in float, and coterie_d computes in "
                                        "double{: use coterie, or leave @precision out}");
    if (config->n_expert_hidden == 0)
        return status_set(STATUS_USAGE,
                          "@precision bf16 is for experts with hidden layers; linear ones are fast "
                          "without{: give @expert-hidden, or leave @precision out}");
    return STATUS_OK;
}

status model_config_check(const struct model_config *config)
{
    status outcome;
    bool squared = config->error != ERROR_MIXTURE;
    if (squared && likelihood_family(config->likelihood)->is_classifier)
        return status_set(STATUS_USAGE,
                          "the cooperative and competitive errors are squared errors; @likelihood "
                          "bernoulli or categorical needs @error mixture");
    if (squared && likelihood_family(config->likelihood)->output != OUTPUT_ANY)
        return status_set(STATUS_USAGE,
                          "the cooperative and competitive errors are squared errors; @likelihood "
                          "%s needs @error mixture",
                          likelihood_names[config->likelihood]);
    if (squared && config->variance_is_learned)
        return status_set(STATUS_USAGE,
                          "@variance learned needs @error mixture: the cooperative and "
                          "competitive errors have no variance");
    if (config->freedom_is_learned && !likelihood_family(config->likelihood)->has_freedom)
        return status_set(STATUS_USAGE, "@freedom learned needs @likelihood student");
    if (config->variance_is_learned && !likelihood_family(config->likelihood)->has_variance)
        return status_set(STATUS_USAGE,
                          "@variance learned needs @likelihood gaussian, for "
                          "regression; @likelihood %s has none: leave it out",
                          likelihood_names[config->likelihood]);
    if (config->top_k > config->n_experts)
        return status_set(STATUS_USAGE, "@top-k %zu is more than the %zu experts", config->top_k,
                          config->n_experts);
    if (model_is_routed(config) && squared)
        return status_set(STATUS_USAGE, "@top-k needs @error mixture: the cooperative and "
                                        "competitive errors need the outputs of all experts");
    const struct likelihood_family *family = likelihood_family(config->likelihood);
    if (family->output != OUTPUT_ANY && (int)config->output != family->output)
        return status_set(STATUS_USAGE, "@likelihood %s needs @expert-output %s (or auto)",
                          likelihood_names[config->likelihood], output_names[family->output]);
    if (config->n_outputs < output_functions[config->output].least)
        return status_set(STATUS_USAGE, "@expert-output softmax needs two outputs or more, the "
                                        "data have one; use logistic or identity");
    outcome = check_gate(config);
    if (outcome == STATUS_OK)
        outcome = check_bf16(config);
    if (outcome == STATUS_OK)
        outcome = check_inputs(config);
    if (outcome == STATUS_OK)
        outcome = check_offset(config);
    return outcome == STATUS_OK ? check_committee(config) : outcome;
}

status model_shapes(const struct model_config *config, struct mlp *gate, struct mlp *expert)
{
    const struct gate_config of_gate = model_gate_config(config);
    status outcome = gate_kind_of(config->gate)->shape(&of_gate, gate);
    gate->is_bf16 = config->is_bf16;
    if (outcome != STATUS_OK)
        return outcome;
    outcome = mlp_init(expert, config->n_inputs, config->expert_hidden, config->n_expert_hidden,
                       config->n_outputs, config->activation);
    mlp_restrict(expert, &config->expert_inputs);
    expert->is_bf16 = config->is_bf16;
    return outcome;
}

/* What counts beside products, in operations for each sample and expert; measured, roughly. */
enum { POSTERIOR_FLOPS = 100, EXPERT_FLOPS = 100 };

static double expert_flops(const struct model_config *config, const struct mlp *expert)
{
    return mlp_flops(expert) + output_functions[config->output].flops * (double)config->n_outputs +
           EXPERT_FLOPS;
}

double model_gate_in_experts(const struct model_config *config)
{
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    const struct gate_config of_gate = model_gate_config(config);
    double n_experts = (double)config->n_experts;
    double network = gate_kind_of(config->gate)->flops(&of_gate, &gate);
    return (network + POSTERIOR_FLOPS * n_experts) / expert_flops(config, &expert);
}

double model_posterior_in_experts(const struct model_config *config)
{
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    return POSTERIOR_FLOPS * (double)config->n_experts / expert_flops(config, &expert);
}

size_t model_micro_batch(const struct model_config *config, size_t batch_size)
{
    const size_t cache_bytes = 288 << 10, least = 256, most = 4096, tile = 64;
    size_t units = config->n_outputs, weights = 0, width = config->n_inputs;
    for (size_t l = 0; l < config->n_expert_hidden; l++) {
        units += config->expert_hidden[l];
        weights += width * config->expert_hidden[l];
        width = config->expert_hidden[l];
    }
    weights += width * config->n_outputs;
    /* An expert's activations in the cache, but enough samples for each pass over its gradient. */
    size_t wanted = cache_bytes / (units * sizeof(real));
    wanted = weights / units > wanted ? weights / units : wanted;
    wanted = wanted < least ? least : wanted > most ? most : wanted;
    size_t parts = (batch_size + wanted / 2) / wanted;
    if (parts <= 1)
        return real_padded(batch_size);
    size_t samples = (batch_size + parts - 1) / parts;
    return (samples + tile - 1) / tile * tile;
}

size_t model_n_parameters(const struct model_config *config)
{
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    size_t per_expert = expert.n_parameters + (config->variance_is_learned ? 1 : 0) +
                        (config->freedom_is_learned ? 1 : 0);
    return gate.n_parameters + config->n_experts * per_expert;
}

/* Weights and bias of one unit of the last layer. */
static size_t last_unit(const struct mlp *mlp)
{
    return mlp_fan_in(mlp, mlp->n_layers - 1) + 1;
}

size_t model_n_free_parameters(const struct model_config *config)
{
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    const struct gate_config of_gate = model_gate_config(config);
    size_t redundant = gate_kind_of(config->gate)->n_redundant(&of_gate, &gate);
    if (output_functions[config->output].is_redundant)
        redundant += config->n_experts * last_unit(&expert);
    return model_n_parameters(config) - redundant;
}
