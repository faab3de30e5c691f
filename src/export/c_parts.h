/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_EXPORT_C_PARTS_H
#define COTERIE_EXPORT_C_PARTS_H

#include "exported_model.h"

/*
 * The functions of an exported C file, as text. `@p` stands for the prefix of all names that leave
 * the file, `@P` for the same in capitals.
 */

/* What other files see of a predictor of numbers, of one class, of several probabilities. */
const char *c_declaration(const struct exported_model *model);
/* hidden(z), the activation. */
const char *c_activation(const struct exported_model *model);
/* network(): one of several networks at one sample. */
extern const char c_network[];
/* gate_logits(). */
const char *c_gate(const struct exported_model *model);
/* softmax() and proportions(), which calls choose() if samples choose among the experts. */
extern const char c_softmax[], c_choose[];
const char *c_proportions(const struct exported_model *model);
/* The body of output(e, z), from z to o of expert e. */
const char *c_output(const struct exported_model *model);
const char *c_output_factor(const struct exported_model *model);
/* scale(), of a sample in the units of the data. */
const char *c_scaling(const struct exported_model *model);
/* expert_output(); and what is predicted. */
const char *c_experts(const struct exported_model *model);
const char *c_prediction(const struct exported_model *model);

#endif
