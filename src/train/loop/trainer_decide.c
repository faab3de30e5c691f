/* SPDX-License-Identifier: BSD-3-Clause */
/* What rank 0 decides for all before each update: to stop, and why, and to save. */
#include "trainer_internal.h"

#include "base/clock.h"
#include "base/profile.h"
#include "base/stop_request.h"

#include <math.h>

/*
 * EM: an exact M-step cannot make the error rise by more than rounding does; the working precision
 * rounds experts' outputs and parameters.
 */
static bool likelihood_fell(const struct trainer *trainer)
{
    const double rounding = sizeof(real) == sizeof(double) ? 1e-10 : 1e-5;
    double before = trainer->progress.error_before;
    return trainer->em && isfinite(before) &&
           trainer_mean_error(&trainer->running) > before + rounding * (1 + fabs(before));
}

/* EM: the error fell by so little that more iterations are not worth while. */
static bool likelihood_stands(const struct trainer *trainer)
{
    double before = trainer->progress.error_before, error = trainer_mean_error(&trainer->running);
    return trainer->em && trainer->config->stop_likelihood > 0 && isfinite(before) &&
           before - error <= trainer->config->stop_likelihood * (1 + fabs(error));
}

bool trainer_error_is_reached(const struct trainer *trainer)
{
    const struct metrics *running = &trainer->running;
    return trainer->config->stop_error > 0 && running->weight > 0 &&
           running->expected_square / running->weight <= trainer->config->stop_error;
}

static enum stop_reason reason_at_epoch(const struct trainer *trainer)
{
    const struct trainer_config *config = trainer->config;
    const struct progress *progress = &trainer->progress;
    if (likelihood_fell(trainer))
        return STOP_FELL;
    if (progress->epoch >= config->epochs)
        return STOP_EPOCHS;
    if (trainer_error_is_reached(trainer))
        return STOP_ERROR;
    if (likelihood_stands(trainer))
        return STOP_LIKELIHOOD;
    if (config->patience > 0 && progress->stale_epochs >= config->patience)
        return STOP_PATIENCE;
    return STOP_NOT;
}

enum stop_reason trainer_finished_before(const struct trainer *trainer)
{
    bool may_be = trainer->progress.starts_finished && trainer->progress.batch == 0;
    return may_be ? reason_at_epoch(trainer) : STOP_NOT;
}

/*
 * Time that is needed to end in good order, from what was measured in this process: the round that
 * begins now, the saving that may be under way and the last one, with room for a slow disk.
 */
static double ending_margin(const struct trainer *trainer)
{
    double margin = 1 + trainer->longest_round + 3 * trainer->saver.seconds;
    /* Some of a very short limit must be left for training. */
    return fmin(margin, trainer->config->time_limit / 2);
}

static enum stop_reason reason_now(struct trainer *trainer)
{
    const struct trainer_config *config = trainer->config;
    if (!isfinite(trainer->running.error))
        return STOP_NOT_FINITE;
    enum stop_reason reason = STOP_NOT;
    if (trainer->progress.batch == 0)
        reason = reason_at_epoch(trainer);
    if (reason == STOP_NOT && (trainer->raised > 0 || stop_request_is_raised() ||
                               (trainer->saves && run_directory_asks_to_stop(trainer->directory))))
        reason = STOP_REQUESTED;
    if (reason == STOP_NOT && config->time_limit > 0 &&
        clock_since_start() + ending_margin(trainer) > config->time_limit)
        reason = STOP_TIME;
    return reason;
}

static bool save_is_due(const struct trainer *trainer)
{
    const struct trainer_config *config = trainer->config;
    const struct progress *progress = &trainer->progress;
    if (progress->step == 0)
        return false;
    if (config->save_every_epochs > 0 && progress->batch == 0 &&
        progress->epoch % config->save_every_epochs == 0)
        return true;
    if (config->save_every_steps > 0 && progress->step % config->save_every_steps == 0)
        return true;
    return config->save_every_seconds > 0 &&
           clock_seconds() - trainer->last_saved >= config->save_every_seconds;
}

/* A first saving early on tells how long one takes. */
static bool saving_is_to_be_timed(const struct trainer *trainer)
{
    return trainer->progress.step > 0 && trainer->config->time_limit > 0 &&
           trainer->last_saved == trainer->started;
}

struct trainer_decision trainer_decide(struct trainer *trainer)
{
    struct trainer_decision decision = {0};
    if (trainer_is_root(trainer)) {
        decision.reason = (int32_t)reason_now(trainer);
        decision.save_is_due = save_is_due(trainer);
        decision.save = decision.save_is_due || saving_is_to_be_timed(trainer);
        decision.round_weight =
            round_timer_next(&trainer->timer, clock_seconds() - trainer->started);
    }
    profile_enter(PHASE_EXCHANGE);
    decision.site_count = site_count();
    communicator_broadcast(trainer->comm, &decision, sizeof decision);
    site_set_count(decision.site_count + 1);
    profile_enter(PHASE_OTHER);
    trainer->round_weight = decision.round_weight;
    return decision;
}
