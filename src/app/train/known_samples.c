/* SPDX-License-Identifier: BSD-3-Clause */
/* The samples that checkpoints are to tell something of: checkpoint/known_samples.h. */
#include "app/train/train_internal.h"

#include "base/memory.h"
#include "base/rng.h"
#include "predict/conformal.h"
#include "predict/novelty.h"

#include <stdlib.h>
#include <string.h>

enum { OF_TRAINING, HELD_OUT }; /* ids of RNG_KNOWN_SAMPLES */

static int ascending(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

/* `most` of n samples, drawn by the seed, or all of them: ascending. */
static status choose(uint64_t seed, uint32_t id, size_t n, size_t most, uint64_t **chosen,
                     size_t *n_chosen)
{
    struct rng rng;
    status outcome = memory_alloc(chosen, n, sizeof **chosen, "sample numbers");
    *n_chosen = n < most ? n : most;
    if (outcome != STATUS_OK)
        return outcome;
    rng_init(&rng, seed, RNG_KNOWN_SAMPLES, id, 0);
    rng_permutation(&rng, n, *chosen);
    qsort(*chosen, *n_chosen, sizeof **chosen, ascending);
    return STATUS_OK;
}

/* Rows of samples in memory; their numbers are scaled already. */
static void copy_rows(const struct dataset *from, const uint64_t *chosen, struct dataset *to)
{
    size_t inputs = to->shape.n_inputs, targets = to->shape.n_targets;
    for (size_t i = 0; i < to->shape.n; i++) {
        memcpy(to->x + i * inputs, from->x + chosen[i] * inputs, inputs * sizeof(real));
        if (targets > 0)
            memcpy(to->y + i * targets, from->y + chosen[i] * targets, targets * sizeof(real));
    }
}

/*
 * `most` of the samples that `all` holds, which are `rows` (NULL: all) of the source, if they are
 * not in memory. `block` is allocated, and `some` lies in it.
 */
static status take(const struct training *training, const struct dataset *all,
                   struct source *source, const uint64_t *rows, uint32_t id, size_t most,
                   void **block, struct dataset *some)
{
    uint64_t *chosen = NULL;
    struct dataset_shape shape = {.n_inputs = all->shape.n_inputs,
                                  .n_targets = all->shape.n_targets};
    status outcome = choose(training->options->seed, id, all->shape.n, most, &chosen, &shape.n);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(block, dataset_bytes(&shape), 1, "samples");
    if (outcome == STATUS_OK) {
        dataset_map(some, &shape, *block);
        if (all->x) {
            copy_rows(all, chosen, some);
        } else {
            for (size_t i = 0; rows && i < shape.n; i++)
                chosen[i] = rows[chosen[i]];
            outcome = dataset_fill(some, source, &training->record.scaler, chosen, 0);
        }
    }
    memory_free(&chosen);
    return outcome;
}

static status measure_spread(struct training *training)
{
    const struct dataset *all = &training->train.dataset;
    size_t most = novelty_most_rows(all->shape.n_inputs);
    struct dataset some;
    void *block = NULL;
    if (most == 0)
        return STATUS_OK;
    status outcome = take(training, all, training->source, training->split.train, OF_TRAINING, most,
                          &block, &some);
    if (outcome == STATUS_OK)
        outcome = novelty_measure(&some, &training->record.spread);
    memory_free(&block);
    return outcome;
}

status known_samples_take(struct training *training)
{
    bool has_file = training->valid_source != NULL;
    size_t most = conformal_most_rows(&training->problem.model);
    status outcome = measure_spread(training);
    if (outcome != STATUS_OK || !training->has_valid || training->valid_shape.n_targets == 0 ||
        most == 0)
        return outcome;
    return take(training, &training->valid.dataset,
                has_file ? training->valid_source : training->source,
                has_file ? training->valid_rows : training->split.valid, HELD_OUT, most,
                &training->held_out_block, &training->held_out);
}
