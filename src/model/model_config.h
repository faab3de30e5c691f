/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_MODEL_CONFIG_H
#define COTERIE_MODEL_MODEL_CONFIG_H

#include "base/real.h"
#include "base/status.h"
#include "model/gate/gate.h"
#include "model/likelihood/likelihood.h"
#include "model/network/mlp.h"
#include "model/objective.h"

#include <stdbool.h>
#include <stddef.h>

/* What a mixture of local experts is made of, and what follows from that alone. */

struct model_config {
    size_t n_inputs, n_outputs, n_experts;
    size_t n_members; /* of a committee, see committee.h, with n_experts / n_members each; 0 as 1 */
    size_t expert_hidden[MLP_MAX_HIDDEN], n_expert_hidden;
    size_t gate_hidden[MLP_MAX_HIDDEN], n_gate_hidden;
    struct input_choice gate_inputs, expert_inputs; /* which of the inputs they see */
    enum gate_choice gate;
    struct gate_levels gate_levels; /* of a tree, with n_experts branches in the last; else none */
    enum activation activation;     /* of hidden layers */
    bool is_bf16;                   /* products of gate and experts, see mlp.h */
    enum output_kind output;
    enum likelihood_kind likelihood;
    enum error_kind error;
    double variance; /* of the Gaussian likelihood, at the start if learned; scaled units */
    bool variance_is_learned;
    double variance_floor; /* of a learned variance, scaled units */
    double freedom;        /* degrees of freedom, as the variance */
    bool freedom_is_learned;
    double output_start;   /* of all experts' z, beside what is drawn */
    size_t top_k;          /* experts that compute a sample; 0: all */
    double balance_weight; /* of the balance term in the gate's gradient */
    double entropy_weight; /* of the gate's entropy in its gradient */
};

/* What parameters there are, and where: all that files need to know of a model. */
struct model_shape {
    struct model_config config;
    struct mlp gate, expert; /* of a gate without a network only the size counts */
};

/*
 * Local. STATUS_USAGE if the parts do not go together: (1.1) and (1.2) are squared errors,
 * Bernoulli needs logistic and categorical softmax outputs, a learned variance needs the Gaussian
 * mixture, --top-k the mixture error and no more experts than there are, a gate that is a density
 * the mixture error of all experts, and one that is no network no hidden layers.
 */
status model_config_check(const struct model_config *config);

/* Local. */
static inline size_t model_n_members(const struct model_config *config)
{
    return config->n_members > 1 ? config->n_members : 1;
}

/*
 * Local. `name`, unless NULL or "", is an offset: an input that the experts add to z, without a
 * weight that is learned. The gate does not see it either, unless it was told what it sees.
 */
status model_set_offset(struct model_config *config, const char *name, bool gate_is_told,
                        const struct string_list *input_names);

/* Local. Samples choose among the experts: K = E is the dense step. */
static inline bool model_is_routed(const struct model_config *config)
{
    return config->top_k > 0 && config->top_k < config->n_experts;
}

/* Local. What experts begin with. */
static inline struct dispersion_start model_dispersion(const struct model_config *config)
{
    return (struct dispersion_start){{config->variance, config->freedom},
                                     config->variance_is_learned,
                                     config->freedom_is_learned};
}

/* Local. What matrix products multiply, as users know it: "float", "double" or "bf16". */
static inline const char *model_precision(const struct model_config *config)
{
    return config->is_bf16 ? "bf16" : REAL_NAME;
}

/* Local. What its gate is made of; it points into `config`. */
struct gate_config model_gate_config(const struct model_config *config);

/* Local. The shapes only; model_init does this too. */
status model_shapes(const struct model_config *config, struct mlp *gate, struct mlp *expert);

/* Local. What the gate and the posterior cost on rank 0, in units of one expert. */
double model_gate_in_experts(const struct model_config *config);
/* Local. The posterior alone, for which all other ranks wait. */
double model_posterior_in_experts(const struct model_config *config);

/*
 * Local. Samples in a micro-batch if the user does not say: a function of model and batch size
 * only, never of ranks. Large enough for fast GEMMs, small enough that one expert's activations
 * stay in cache; equal parts of the batch.
 */
size_t model_micro_batch(const struct model_config *config, size_t batch_size);

/* Local. All weights, biases and learned variances. */
size_t model_n_parameters(const struct model_config *config);

/*
 * Local. How many of them are free, for BIC and ICL: a softmax does not change when the same number
 * is added to all that goes into it, so that one of its units, with weights and bias, is not. The
 * gate's kind says how many are not in it.
 */
size_t model_n_free_parameters(const struct model_config *config);

#endif
