/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STEP_GATE_TERMS_H
#define COTERIE_TRAIN_STEP_GATE_TERMS_H

#include "step_state.h"

/*
 * Root. Before the gate's backward pass: the gradients of --balance-weight (with --top-k the
 * routed form, see routing.h, else that of gate_terms.h) and --entropy-weight are added to the
 * error's at the logits.
 */
void step_gate_terms(struct step *step);

#endif
