/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/early_update.h"

#include "base/profile.h"

void early_update_init(struct early_update *update, struct optimizer *optimizer,
                       struct experts *experts, bool one_micro_batch)
{
    struct parameters *parameters = &experts->parameters;
    update->optimizer = optimizer;
    update->experts = experts;
    parameters->gradient_stride = one_micro_batch ? 0 : parameters->stride;
}

static void update_expert(void *listener, size_t k)
{
    const struct early_update *update = listener;
    profile_enter(PHASE_UPDATE);
    optimizer_update_network(update->optimizer, &update->experts->parameters, k, update->rate, 1,
                             update->step);
    profile_enter(PHASE_EXPERTS_BACKWARD);
}

void early_update_prepare(struct early_update *update, bool updates, double rate, uint64_t step)
{
    update->rate = rate;
    update->step = step;
    update->experts->gradient_is_made = updates ? update_expert : NULL;
    update->experts->listener = update;
}
