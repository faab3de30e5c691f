/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STEP_ROUTING_H
#define COTERIE_TRAIN_STEP_ROUTING_H

#include "step_state.h"

/*
 * The step with --top-k K < E: the gate's choice reaches the ranks before the experts' pass, and
 * each expert computes the samples that chose it. Everything else is the dense step.
 */

/* Collective. Work space, for the balance term too. */
status step_routing_init(struct step *step, size_t max_stride);
void step_routing_release(struct step *step);

/* Collective. After the gate's pass: its choice, to every rank's step->g. */
void step_route(struct step *step);

#endif
