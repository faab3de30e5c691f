/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/split.h"

#include "base/memory.h"
#include "base/rng.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Marks the units (groups or samples) that are drawn for validation. */
static status draw(bool *drawn, size_t n_units, size_t n_drawn, uint64_t seed)
{
    uint64_t *order = NULL;
    struct rng rng;
    status outcome = memory_alloc(&order, n_units, sizeof *order, "the validation split");
    if (outcome != STATUS_OK)
        return outcome;
    rng_init(&rng, seed, RNG_SPLIT, 0, 0);
    rng_permutation(&rng, n_units, order);
    for (size_t i = 0; i < n_drawn; i++)
        drawn[order[i]] = true;
    memory_free(&order);
    return STATUS_OK;
}

/* Fills both lists; `drawn` is NULL if nothing is for validation. */
static status list_samples(struct split *split, size_t n, const int32_t *group, const bool *drawn)
{
    for (size_t i = 0; i < n; i++)
        split->n_valid += drawn && drawn[group ? (size_t)group[i] : i];
    split->n_train = n - split->n_valid;
    status outcome =
        memory_alloc(&split->train, split->n_train, sizeof *split->train, "the training samples");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&split->valid, split->n_valid, sizeof *split->valid,
                               "the validation samples");
    size_t train = 0, valid = 0;
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        if (drawn && drawn[group ? (size_t)group[i] : i])
            split->valid[valid++] = i;
        else
            split->train[train++] = i;
    return outcome;
}

static status check_fraction(double fraction, size_t n_units, const char *unit)
{
    if (!(fraction >= 0 && fraction < 1))
        return status_set(STATUS_USAGE,
                          "@valid %g: give a fraction of at least 0 and below 1{, or a path}",
                          fraction);
    if (fraction > 0 && n_units < 2)
        return status_set(STATUS_USAGE,
                          "@valid %g: %zu %s cannot be split into training and validation",
                          fraction, n_units, unit);
    return STATUS_OK;
}

status split_init(struct split *split, size_t n, const int32_t *group, size_t n_groups,
                  double fraction, uint64_t seed)
{
    size_t n_units = group ? n_groups : n;
    bool *drawn = NULL;
    memset(split, 0, sizeof *split);
    status outcome = check_fraction(fraction, n_units, group ? "group(s)" : "sample(s)");
    if (outcome == STATUS_OK && fraction > 0) {
        double wanted = round(fraction * (double)n_units);
        size_t n_drawn = wanted < 1 ? 1 : (size_t)wanted;
        outcome = memory_alloc(&drawn, n_units, sizeof *drawn, "the validation split");
        if (outcome == STATUS_OK)
            outcome = draw(drawn, n_units, n_drawn < n_units ? n_drawn : n_units - 1, seed);
    }
    if (outcome == STATUS_OK)
        outcome = list_samples(split, n, group, drawn);
    if (outcome == STATUS_OK && (split->n_train == 0 || (fraction > 0 && split->n_valid == 0)))
        outcome = status_set(STATUS_USAGE, "@valid %g: no sample is left for %s", fraction,
                             split->n_train == 0 ? "training" : "validation");
    memory_free(&drawn);
    if (outcome != STATUS_OK)
        split_release(split);
    return outcome;
}

void split_release(struct split *split)
{
    memory_free(&split->train);
    memory_free(&split->valid);
    split->n_train = split->n_valid = 0;
}

/* The samples of each class one after the other, in the order drawn, so that folds get like shares.
 */
static void deal_by_class(const struct split *split, const int32_t *label, size_t n_classes,
                          size_t n_folds, const uint64_t *order, uint8_t *fold)
{
    size_t dealt = 0;
    for (size_t c = 0; c < (label ? n_classes : 1); c++)
        for (size_t i = 0; i < split->n_train; i++)
            if (!label || (size_t)label[split->train[order[i]]] == c)
                fold[order[i]] = (uint8_t)(dealt++ % n_folds);
}

status split_folds(const struct split *split, const int32_t *group, size_t n_groups,
                   const int32_t *label, size_t n_classes, size_t n_folds, uint64_t seed,
                   uint8_t *fold)
{
    size_t n_units = group ? n_groups : split->n_train;
    uint64_t *order = NULL;
    struct rng rng;
    if (n_units < n_folds)
        return status_set(STATUS_USAGE,
                          "@committee %zu: there are only %zu %s to leave out in "
                          "turn; use a smaller committee",
                          n_folds, n_units, group ? "groups" : "samples");
    status outcome = memory_alloc(&order, n_units, sizeof *order, "the folds of a committee");
    if (outcome != STATUS_OK)
        return outcome;
    rng_init(&rng, seed, RNG_FOLDS, 0, 0);
    rng_permutation(&rng, n_units, order);
    if (!group)
        deal_by_class(split, label, n_classes, n_folds, order, fold);
    for (size_t i = 0; group && i < split->n_train; i++)
        fold[i] = (uint8_t)(order[group[split->train[i]]] % n_folds);
    memory_free(&order);
    return STATUS_OK;
}

void split_leave_out(uint64_t *rows, size_t *n, const bool *left_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (!left_out[rows[i]])
            rows[kept++] = rows[i];
    *n = kept;
}
