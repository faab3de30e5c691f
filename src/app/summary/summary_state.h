/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUMMARY_SUMMARY_STATE_H
#define COTERIE_APP_SUMMARY_SUMMARY_STATE_H

#include "app/judge/loaded_model.h"
#include "bootstrap.h"
#include "coefficients.h"
#include "fit.h"
#include "more_experts.h"
#include "train/inference/covariance.h"

#include <stdbool.h>

/* All that a summary tells. Root. */
struct summary {
    const struct loaded_model *loaded;
    struct fit fit;
    const char *lacks; /* why there are no coefficients; NULL: there are */
    struct covariance covariance;
    struct coefficients coefficients;
    struct bootstrap bootstrap; /* of n refits; 0: none was asked for */
    struct more_experts more;   /* of n refits; the same */
    double level;               /* of the intervals */
    bool is_robust;
};

/*
 * What output k of an expert is: the target's name, or the class whose probability it gives.
 * *against: of a softmax the class that it is compared with, else NULL.
 */
const char *summary_output_name(const struct loaded_model *loaded, size_t k, const char **against);

/* Whether experts give log odds of classes, or of a target between 0 and 1. */
bool summary_has_odds(const struct loaded_model *loaded);

/*
 * The name of row `unit` of a network: "(intercept)", or that of an input; NULL for an input that
 * the network does not see.
 */
const char *summary_unit_name(const struct loaded_model *loaded, const struct input_choice *seen,
                              size_t unit);
/* What the gate and the experts see. */
static inline const struct input_choice *summary_gate_sees(const struct summary *summary)
{
    return &summary->loaded->problem.model.gate_inputs;
}
static inline const struct input_choice *summary_experts_see(const struct summary *summary)
{
    return &summary->loaded->problem.model.expert_inputs;
}

/* Which samples: "the training part" and the like. */
const char *summary_part_name(const struct loaded_model *loaded);

/* What a reader must know before trusting the table; NULL if nothing. Text lasts to the next call.
 */
const char *summary_doubt(const struct summary *summary);

void summary_print(const struct summary *summary);
void summary_print_json(const struct summary *summary);

#endif
