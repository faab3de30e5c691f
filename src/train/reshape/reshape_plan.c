/* SPDX-License-Identifier: BSD-3-Clause */
#include "reshape_plan.h"

#include "base/memory.h"
#include "base/real.h"

#include <float.h>
#include <math.h>

status reshape_init(struct reshape *reshape, size_t n_experts, double spread, uint64_t seed)
{
    *reshape = (struct reshape){
        .n_before = n_experts, .n_after = n_experts, .spread = spread, .seed = seed};
    if (spread == 0)
        reshape->spread = sqrt(sizeof(real) == sizeof(double) ? DBL_EPSILON : (double)FLT_EPSILON);
    return memory_alloc(&reshape->expert, n_experts, sizeof *reshape->expert, "the experts");
}

void reshape_release(struct reshape *reshape)
{
    memory_free(&reshape->expert);
}

static status check_free(const struct reshape *reshape, const char *option, size_t e)
{
    if (e >= reshape->n_before)
        return status_set(STATUS_USAGE,
                          "--%s: there is no expert %zu, the model has experts 0 to %zu", option, e,
                          reshape->n_before - 1);
    if (reshape->expert[e].action != RESHAPE_KEEP)
        return status_set(STATUS_USAGE,
                          "--%s: expert %zu is named twice; an expert can be split, pruned or "
                          "merged once",
                          option, e);
    return STATUS_OK;
}

status reshape_split(struct reshape *reshape, size_t e)
{
    status outcome = check_free(reshape, "split", e);
    if (outcome != STATUS_OK)
        return outcome;
    reshape->expert[e].action = RESHAPE_SPLIT;
    reshape->n_after++;
    return STATUS_OK;
}

status reshape_prune(struct reshape *reshape, size_t e)
{
    status outcome = check_free(reshape, "prune", e);
    if (outcome == STATUS_OK && reshape->n_after == 1)
        outcome = status_set(STATUS_USAGE, "@prune: no expert would be left");
    if (outcome != STATUS_OK)
        return outcome;
    reshape->expert[e].action = RESHAPE_PRUNE;
    reshape->n_after--;
    return STATUS_OK;
}

status reshape_merge(struct reshape *reshape, size_t e, size_t f, double share)
{
    status outcome = check_free(reshape, "merge", e);
    if (outcome == STATUS_OK)
        outcome = check_free(reshape, "merge", f);
    if (outcome == STATUS_OK && e == f)
        outcome = status_set(STATUS_USAGE, "@merge: expert %zu cannot be merged with itself", e);
    if (outcome != STATUS_OK)
        return outcome;
    size_t first = e < f ? e : f, second = e < f ? f : e;
    reshape->expert[first] = (struct reshape_expert){RESHAPE_MERGE, second, share};
    reshape->expert[second].action = RESHAPE_GONE;
    reshape->n_after--;
    return STATUS_OK;
}

bool reshape_remains(const struct reshape_expert *expert)
{
    return expert->action != RESHAPE_PRUNE && expert->action != RESHAPE_GONE;
}

size_t reshape_place(const struct reshape *reshape, size_t e)
{
    size_t place = 0;
    for (size_t i = 0; i < e; i++)
        place += reshape_remains(&reshape->expert[i]);
    return place;
}

size_t reshape_twin(const struct reshape *reshape, size_t e)
{
    size_t place = reshape_place(reshape, reshape->n_before);
    for (size_t i = 0; i < e; i++)
        place += reshape->expert[i].action == RESHAPE_SPLIT;
    return place;
}
