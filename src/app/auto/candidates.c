/* SPDX-License-Identifier: BSD-3-Clause */
#include "candidates.h"

#include <math.h>
#include <stdio.h>

const struct candidate candidates[] = {
    [CANDIDATE_USUAL] = {"4 experts of 32 relu units", 1, "4", "32", "relu"},
    [CANDIDATE_LINEAR] = {"1 linear expert", 2, "1", "none", "tanh"},
    {"1 expert of 64 relu units", 2, "1", "64", "relu"},
    {"4 linear experts", 4, "4", "none", "tanh"},
    {"4 experts of 32 tanh units", 4, "4", "32", "tanh"},
    {"8 linear experts", 7, "8", "none", "tanh"},
    {"8 experts of 32 tanh units", 7, "8", "32", "tanh"},
    {"8 experts of 64 relu units", 7, "8", "64", "relu"},
};

size_t candidates_count(void)
{
    return sizeof candidates / sizeof candidates[0];
}

static long within(double value, long least, long most)
{
    return value < (double)least ? least : value > (double)most ? most : (long)value;
}

/* Batches grow with the samples, so that the number of steps in an epoch grows more slowly. */
static long batch_for(size_t n)
{
    static const struct {
        size_t below;
        long batch;
    } sizes[] = {{1000, 32}, {5000, 64}, {20000, 128}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (n < sizes[i].below)
            return sizes[i].batch;
    return 256;
}

struct regime candidates_regime(const struct train_facts *facts, long effort)
{
    enum { FEW = 1000 };
    struct regime regime = {.members = facts->n < FEW ? 10 : 5, .batch = batch_for(facts->n)};
    if (effort >= 8)
        regime.members *= 2;
    double steps = (double)((long)facts->n + regime.batch - 1) / (double)regime.batch;
    regime.patience = within(600 / steps, 5, 300);
    regime.trial_epochs = within(6000 / steps, 5, 1000);
    regime.epochs = within(30000 / steps, 60, 3000);
    return regime;
}

static status set_unsaid(struct options *options, const char *key, const char *value)
{
    return options_is_set(options, key) ? STATUS_OK
                                        : options_set(options, key, value, "automatic choice");
}

static status set_number(struct options *options, const char *key, long value)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", value);
    return set_unsaid(options, key, text);
}

status candidates_apply(struct options *options, const struct candidate *candidate,
                        const struct regime *regime, const struct train_facts *facts, long epochs)
{
    const struct {
        const char *key, *value;
    } words[] = {{"experts", candidate->experts},
                 {"expert_hidden", candidate->hidden},
                 {"activation", candidate->activation},
                 {"learning_rate", "0.003"},
                 {"variance", facts->variance}};
    const struct {
        const char *key;
        long value;
    } numbers[] = {{"committee", regime->members},
                   {"batch_size", regime->batch},
                   {"patience", regime->patience},
                   {"epochs", epochs}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && outcome == STATUS_OK; i++)
        outcome = set_unsaid(options, words[i].key, words[i].value);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && outcome == STATUS_OK; i++)
        outcome = set_number(options, numbers[i].key, numbers[i].value);
    return outcome;
}

double candidates_score(const struct train_trial *trial)
{
    return isfinite(trial->rmse) ? trial->nll + log(trial->rmse) : trial->nll;
}

double candidates_margin(const struct train_facts *facts)
{
    return 1 / sqrt((double)facts->n);
}
