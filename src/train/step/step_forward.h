/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STEP_STEP_FORWARD_H
#define COTERIE_TRAIN_STEP_STEP_FORWARD_H

#include "step_state.h"

/*
 * Gate and own experts, for the micro-batch in step->batch. Local; with --top-k, which does not
 * look ahead, Collective.
 */
void step_forward_alone(struct step *step);

#endif
