/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer_internal.h"

#include "base/clock.h"
#include "base/profile.h"
#include "train/feed/stream.h"

static bool was_interrupted(const struct trainer *trainer)
{
    return trainer->reason == STOP_REQUESTED || trainer->reason == STOP_TIME;
}

/* Collective. Samples that could not be read have stopped training, as NaN or by a request. */
static status check_streams(const struct trainer *trainer)
{
    bool valid_streams = trainer->valid && trainer->valid->stream;
    if (!trainer->train->stream && !valid_streams)
        return STATUS_OK;
    status outcome = stream_status(trainer->train->stream);
    if (outcome == STATUS_OK && valid_streams)
        outcome = stream_status(trainer->valid->stream);
    return communicator_agree(trainer->comm, outcome);
}

static status run_all_starts(struct trainer *trainer)
{
    for (;;) {
        status outcome = trainer_run_start(trainer);
        if (outcome == STATUS_OK)
            outcome = check_streams(trainer);
        if (outcome == STATUS_OK && trainer_rolls_back(trainer)) {
            outcome = trainer_roll_back(trainer);
            if (outcome != STATUS_OK)
                return outcome;
            continue;
        }
        if (outcome != STATUS_OK || was_interrupted(trainer) || trainer->progress.starts_finished)
            return outcome;
        outcome = trainer_finish_start(trainer);
        if (outcome == STATUS_OK && ++trainer->progress.start == trainer->config->starts)
            return trainer_choose_start(trainer);
        if (outcome == STATUS_OK)
            outcome = trainer_begin_start(trainer);
        if (outcome != STATUS_OK)
            return outcome;
    }
}

/* Root: everything is on disk, or `outcome` or what is returned tells why not. */
static status finish_files(struct trainer *trainer, status outcome)
{
    struct status_kept kept;
    status_keep(outcome, &kept);
    outcome = status_restore(&kept, saver_wait(&trainer->saver));
    status_keep(outcome, &kept);
    if (trainer->saves && trainer->directory->metrics)
        outcome = status_restore(&kept, run_directory_flush(trainer->directory));
    /* The best start's own state stays: an older generation that is gone back to needs it. */
    if (outcome == STATUS_OK && trainer->saves && trainer->config->starts > 1 &&
        trainer->progress.starts_finished)
        run_directory_remove_lost_starts(trainer->directory, trainer->progress.best_start);
    return outcome;
}

status trainer_run(struct trainer *trainer)
{
    trainer->started = trainer->last_saved = clock_seconds();
    trainer->seconds_before = trainer->progress.seconds;
    trainer->timer.in_full = trainer->config->profile;
    trainer->round_weight = 1;
    status outcome = run_all_starts(trainer);
    profile_enter_alone(PHASE_SAVING);
    if (trainer_is_root(trainer))
        outcome = finish_files(trainer, outcome);
    outcome = communicator_agree(trainer->comm, outcome);
    profile_leave_alone();
    if (outcome != STATUS_OK)
        return outcome;
    if (trainer->reason == STOP_NOT_FINITE)
        return status_set(STATUS_FAILED,
                          "training stopped at step %lld: %s{; try a smaller @learning-rate, "
                          "@clip 1, or @scale standard}",
                          (long long)trainer->progress.step, trainer->nonfinite);
    if (trainer->reason == STOP_FELL && trainer->config->starts == 1)
        return status_set(STATUS_FAILED,
                          "EM stopped at iteration %lld: %s; the parameters from before are kept%s",
                          (long long)trainer->progress.step, trainer->nonfinite,
                          sizeof(real) < sizeof(double) ? "; coterie_d computes in double" : "");
    if (!was_interrupted(trainer))
        return STATUS_OK;
    outcome = trainer->reason == STOP_TIME
                  ? status_set(STATUS_STOPPED, "stopped by @time-limit after %lld epochs",
                               (long long)trainer->progress.epoch)
                  : status_set(STATUS_STOPPED, "stopped on request after %lld epochs",
                               (long long)trainer->progress.epoch);
    return status_advise(outcome, "{continue with @resume auto}");
}
