/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EXPERT_OUTPUTS_H
#define COTERIE_APP_EXPERT_OUTPUTS_H

#include "app/judge/loaded_model.h"
#include "base/real.h"
#include "base/status.h"
#include "comm/communicator.h"

/* What each expert says of a micro-batch, at the root: training never needs it there. */
struct expert_outputs {
    real *o;                       /* root: (E, O, stride) all outputs of all experts, scaled */
    struct dispersion *dispersion; /* root: (E) of the likelihood, scaled */
};

/* Collective. */
status expert_outputs_init(struct expert_outputs *outputs, const struct communicator *comm,
                           const struct loaded_model *loaded);
void expert_outputs_release(struct expert_outputs *outputs);

/* Collective. For the micro-batch that step_forward has just computed: sets o. */
void expert_outputs_gather(struct expert_outputs *outputs, const struct step *step);

#endif
