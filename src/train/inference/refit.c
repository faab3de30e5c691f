/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/inference/refit.h"

#include "base/memory.h"
#include "base/real.h"
#include "base/rng.h"
#include "information_tile.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 100, MOST_HALVINGS = 30 };

/* In standard errors: the maximum is found. */
static const double near_enough = 1e-4;

static status linear_alloc(const struct information_layout *layout,
                           struct linear_parameters *parameters)
{
    status outcome = memory_alloc(&parameters->weight, layout->n_linear * layout->n_units,
                                  sizeof(double), "a refit");
    return outcome == STATUS_OK ? memory_alloc(&parameters->dispersion, layout->n_experts,
                                               sizeof *parameters->dispersion, "a refit")
                                : outcome;
}

static void linear_copy(const struct information_layout *layout,
                        const struct linear_parameters *from, struct linear_parameters *to)
{
    memcpy(to->weight, from->weight, layout->n_linear * layout->n_units * sizeof *to->weight);
    memcpy(to->dispersion, from->dispersion, layout->n_experts * sizeof *to->dispersion);
}

status refit_init(struct refit *refit, struct information *information,
                  const struct dataset *dataset, size_t reference, double floor)
{
    const struct information_layout *layout = &information->layout;
    memset(refit, 0, sizeof *refit);
    refit->dataset = dataset;
    refit->information = information;
    refit->reference = reference;
    refit->variance_floor = floor;
    refit->drawn = *dataset;
    refit->drawn.y = NULL;
    refit->drawn.label = NULL;
    refit->fitted = &refit->drawn;
    size_t n = dataset->shape.n, numbers = dataset->shape.n_targets;
    status outcome = batch_init(&refit->batch, layout->n_units - 1, layout->n_outputs,
                                real_padded(GROUPS_CHUNK));
    if (outcome == STATUS_OK)
        outcome = linear_alloc(layout, &refit->start);
    if (outcome == STATUS_OK)
        outcome = linear_alloc(layout, &refit->before);
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&refit->d, layout->n_outputs * GROUPS_CHUNK, sizeof(double), "a refit");
    if (outcome == STATUS_OK && numbers > 0)
        outcome = memory_alloc(&refit->drawn.y, n * numbers, sizeof(real), "a refit");
    if (outcome == STATUS_OK && numbers == 0)
        outcome = memory_alloc(&refit->drawn.label, n, sizeof(int32_t), "a refit");
    if (outcome == STATUS_OK && !information->total)
        outcome = memory_alloc(&information->total, layout->n_sums, sizeof(double), "a refit");
    if (outcome == STATUS_OK)
        linear_copy(layout, &information->parameters, &refit->start);
    return outcome;
}

static void linear_release(struct linear_parameters *parameters)
{
    memory_free(&parameters->weight);
    memory_free(&parameters->dispersion);
}

void refit_release(struct refit *refit)
{
    if (refit->start.dispersion)
        linear_copy(&refit->information->layout, &refit->start, &refit->information->parameters);
    batch_release(&refit->batch);
    linear_release(&refit->start);
    linear_release(&refit->before);
    memory_free(&refit->d);
    memory_free(&refit->drawn.y);
    memory_free(&refit->drawn.label);
}

void refit_start_here(struct refit *refit)
{
    linear_copy(&refit->information->layout, &refit->information->parameters, &refit->start);
}

/* ---- targets */

/* The class that a sample's targets name: the largest, or 0 and 1 for one output. */
static int32_t label_of(const double *d, size_t n_outputs, size_t stride)
{
    size_t best = 0;
    if (n_outputs == 1)
        return d[0] > 0.5;
    for (size_t k = 1; k < n_outputs; k++)
        if (d[k * stride] > d[best * stride])
            best = k;
    return (int32_t)best;
}

static void load(struct refit *refit, const struct dataset *dataset, size_t at)
{
    size_t left = dataset->shape.n - at;
    refit->batch.loaded.dataset = NULL; /* what is drawn has no other name than what was before */
    batch_load(&refit->batch, dataset, NULL, at, left < GROUPS_CHUNK ? left : GROUPS_CHUNK, 1);
}

void refit_draw(struct refit *refit, uint64_t seed, uint32_t number)
{
    struct information *information = refit->information;
    const struct information_layout *layout = &information->layout;
    size_t outputs = layout->n_outputs;
    linear_copy(layout, &refit->start, &information->parameters);
    for (size_t at = 0; at < refit->dataset->shape.n; at += GROUPS_CHUNK) {
        struct rng rng;
        load(refit, refit->dataset, at);
        rng_init(&rng, seed, RNG_BOOTSTRAP, number, (uint32_t)(at / GROUPS_CHUNK));
        information_tile_draw(information->tile, &refit->batch, &rng, refit->d);
        for (size_t i = 0; i < refit->batch.n; i++) {
            const double *d = refit->d + i;
            for (size_t k = 0; refit->drawn.y && k < outputs; k++)
                refit->drawn.y[(at + i) * outputs + k] = (real)d[k * GROUPS_CHUNK];
            if (refit->drawn.label)
                refit->drawn.label[at + i] = label_of(d, outputs, GROUPS_CHUNK);
        }
    }
}

/* ---- the climb */

static void sum_up(struct refit *refit, bool is_complete)
{
    struct information *information = refit->information;
    memset(information->total, 0, information->layout.n_sums * sizeof *information->total);
    information_tile_complete(information->tile, is_complete);
    for (size_t at = 0; at < refit->fitted->shape.n; at += GROUPS_CHUNK) {
        load(refit, refit->fitted, at);
        information_tile_add(&refit->batch, information->tile, information->total);
    }
    information_tile_complete(information->tile, false);
    refit->log_likelihood = information->total[information->layout.loglik_at];
}

static void move_dispersion(struct refit *refit, size_t a, double step)
{
    const struct information *information = refit->information;
    size_t e;
    int which = information_which(&information->layout, a, &e);
    double moved = *dispersion_number(&refit->before.dispersion[e], which) * exp(step);
    *dispersion_number(&information->parameters.dispersion[e], which) =
        which == BY_VARIANCE ? fmax(moved, refit->variance_floor)
                             : fmin(fmax(moved, FREEDOM_LEAST), FREEDOM_MOST);
}

/* The parameters become those before, moved by `scale` times the step. */
static void move(struct refit *refit, const struct covariance *covariance, double scale)
{
    struct information *information = refit->information;
    const struct information_layout *layout = &information->layout;
    size_t width = layout->n_units;
    for (size_t p = 0; p < covariance->n_components; p++) {
        size_t a = covariance->component[p];
        const double *step = covariance->step + covariance->first[p];
        if (a >= layout->n_linear) {
            move_dispersion(refit, a, scale * *step);
            continue;
        }
        const struct basis *basis = covariance_basis(covariance, layout, a);
        for (size_t i = 0; i < basis->n; i++) {
            size_t at = a * width + basis->unit[i];
            information->parameters.weight[at] = refit->before.weight[at] + scale * step[i];
        }
    }
}

/* Where the likelihood is not above `least` the step is halved; false if that does not help. */
static bool take_step(struct refit *refit, const struct covariance *covariance, double least)
{
    double scale = 1;
    for (int halvings = 0; halvings < MOST_HALVINGS; halvings++, scale /= 2) {
        move(refit, covariance, scale);
        sum_up(refit, false);
        if (refit->log_likelihood >= least)
            return true;
    }
    return false;
}

/* The covariance here, and the step to take from here. */
static status look_around(struct refit *refit, struct covariance *covariance)
{
    covariance_release(covariance);
    status outcome = covariance_init(covariance, refit->information, refit->reference, false);
    refit->is_positive = covariance->rank.n_unknown == 0;
    if (outcome != STATUS_OK || refit->is_positive)
        return outcome;
    covariance_release(covariance);
    sum_up(refit, true);
    return covariance_init(covariance, refit->information, refit->reference, false);
}

status refit_climb(struct refit *refit, struct covariance *covariance)
{
    struct information *information = refit->information;
    const struct information_layout *layout = &information->layout;
    memset(covariance, 0, sizeof *covariance);
    linear_copy(layout, &refit->start, &information->parameters);
    refit->converged = false;
    sum_up(refit, false);
    for (refit->n_steps = 0; refit->n_steps < MOST_STEPS; refit->n_steps++) {
        double least = refit->log_likelihood;
        status outcome = look_around(refit, covariance);
        if (outcome != STATUS_OK)
            return outcome;
        if (covariance->distance < near_enough) {
            refit->converged = refit->is_positive;
            break;
        }
        linear_copy(layout, &information->parameters, &refit->before);
        if (!take_step(refit, covariance, least))
            break;
    }
    return STATUS_OK;
}
