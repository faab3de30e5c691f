/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STEP_AHEAD_INTERNAL_H
#define COTERIE_TRAIN_STEP_AHEAD_INTERNAL_H

#include "step_state.h"

void step_ahead_release(struct step *step);

/*
 * Local. What needs no other rank of the next micro-batch, if there is one: its samples, the gate's
 * pass and the experts'. The present one is left as it was.
 */
void step_ahead_compute(struct step *step);

#endif
