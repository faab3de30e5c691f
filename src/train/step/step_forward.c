/* SPDX-License-Identifier: BSD-3-Clause */
#include "step_forward.h"

#include "base/profile.h"
#include "base/site.h"
#include "step_routing.h"

#include <math.h>

void step_forward_alone(struct step *step)
{
    struct model *model = step->model;
    const struct batch *batch = &step->batch;
    const real *d = batch->has_targets ? batch->d : NULL;
    bool is_routed = model_is_routed(&model->config);
    profile_enter(PHASE_GATE);
    if (model->has_gate)
        gate_forward(&model->gate, &batch->inputs);
    if (is_routed)
        step_route(step);
    profile_enter(PHASE_EXPERTS_FORWARD);
    if (is_routed)
        experts_forward_chosen(&model->experts, &step->rows, &batch->inputs, d, step->g);
    else
        experts_forward(&model->experts, &batch->inputs, d);
    if (site_poisons(SITE_step_forward) && model->experts.n_local > 0)
        model->experts.loglik[0] = NAN;
}
