#ifndef COTERIE_TRAIN_STEP_AHEAD_INTERNAL_H
#define COTERIE_TRAIN_STEP_AHEAD_INTERNAL_H

#include "train/step/step.h"

void step_ahead_release(struct step *step);

/*
 * Local. What needs no other rank of the next micro-batch, if there is one: its samples, the gate's
 * pass and the experts'. The present one is left as it was.
 */
void step_ahead_compute(struct step *step);

/*
 * Gate and own experts, for the micro-batch in step->batch. Local; with --top-k, which does not
 * look ahead, Collective. In step.c.
 */
void step_forward_alone(struct step *step);

#endif
