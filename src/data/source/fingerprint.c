/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/fingerprint.h"

#include "base/memory.h"
#include "data/source/source_blocks.h"

#include <string.h>

static void hash_names(XXH3_state_t *state, const struct string_list *names)
{
    uint64_t n = names->n;
    XXH3_64bits_update(state, &n, sizeof n);
    for (size_t i = 0; i < names->n; i++)
        XXH3_64bits_update(state, names->item[i], strlen(names->item[i]) + 1);
}

/* By their texts, so that the numbering of the classes does not matter. */
static status hash_codes(XXH3_state_t *state, const struct string_list *names, const int32_t *code,
                         size_t n)
{
    uint64_t *hash = NULL;
    status outcome = memory_alloc(&hash, names->n, sizeof *hash, "a fingerprint");
    for (size_t i = 0; i < names->n && outcome == STATUS_OK; i++)
        hash[i] = XXH3_64bits(names->item[i], strlen(names->item[i]));
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        XXH3_64bits_update(state, &hash[code[i]], sizeof *hash);
    memory_free(&hash);
    return outcome;
}

status fingerprint_begin(struct fingerprint *print, const struct source_info *info)
{
    const uint64_t shape[6] = {info->n,          info->n_inputs,      info->n_targets,
                               info->has_labels, info->group != NULL, info->weight != NULL};
    XXH3_state_t *state = XXH3_createState();
    *print = (struct fingerprint){info->n_inputs, info->n_targets, state};
    if (!state)
        return status_set(STATUS_FAILED, "not enough memory for a fingerprint");
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, shape, sizeof shape);
    hash_names(state, &info->input_names);
    hash_names(state, &info->target_names);
    status outcome = STATUS_OK;
    if (info->label)
        outcome = hash_codes(state, &info->classes, info->label, info->n);
    if (outcome == STATUS_OK && info->group)
        outcome = hash_codes(state, &info->group_names, info->group, info->n);
    if (info->weight)
        XXH3_64bits_update(state, info->weight, info->n * sizeof *info->weight);
    return outcome;
}

/* Sample by sample, so that it does not matter how many are read at once. */
void fingerprint_add(struct fingerprint *print, const double *x, const double *y)
{
    XXH3_64bits_update(print->state, x, print->n_inputs * sizeof *x);
    XXH3_64bits_update(print->state, y, print->n_targets * sizeof *y);
}

uint64_t fingerprint_end(struct fingerprint *print)
{
    uint64_t hash = print->state ? XXH3_64bits_digest(print->state) : 0;
    XXH3_freeState(print->state);
    print->state = NULL;
    return hash;
}

static void add(void *context, size_t sample, const double *x, const double *y)
{
    (void)sample;
    fingerprint_add(context, x, y);
}

status source_fingerprint(struct source *source, uint64_t *fingerprint)
{
    struct fingerprint print;
    status outcome = fingerprint_begin(&print, source_info(source));
    if (outcome == STATUS_OK)
        outcome = source_visit(source, false, add, &print);
    *fingerprint = fingerprint_end(&print);
    return outcome;
}
