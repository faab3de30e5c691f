/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

/* By enum gate_choice: gates without hidden layers that have an M-step of their own; else NULL. */
static const struct em_gate *const own_steps[GATE_KINDS] = {[GATE_SOFTMAX] = &em_gate_softmax,
                                                            [GATE_GAUSSIAN] = &em_gate_gaussian,
                                                            [GATE_TREE] = &em_gate_tree};

const struct em_gate *em_gate_of(const struct model_config *config)
{
    const struct em_gate *own = config->n_gate_hidden == 0 ? own_steps[config->gate] : NULL;
    return own ? own : &em_gate_network;
}
