/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/profile.h"

#include "base/clock.h"

#include <string.h>

static struct {
    bool on;       /* the clock is read at each change of phase */
    double weight; /* of the present round */
    enum phase phase;
    double entered;
    double seconds[N_PHASES];
    double before[PROFILE_N_COLLECTIVE]; /* seconds at the beginning of the round */
    double rounds[PROFILE_N_COLLECTIVE][PROFILE_ROUNDS];
    size_t n, filled, width; /* numbers in use; rounds in the last of them; rounds in each */
} profile;

static const enum phase collective[PROFILE_N_COLLECTIVE] = {PHASE_EXCHANGE, PHASE_COMBINE,
                                                            PHASE_REPLICAS};

const char *profile_name(enum phase phase)
{
    static const char *const names[N_PHASES] = {"other",
                                                "reading data",
                                                "data",
                                                "gate",
                                                "experts forward",
                                                "posterior",
                                                "exchange",
                                                "combine",
                                                "experts backward",
                                                "sum of replicas",
                                                "update",
                                                "metrics",
                                                "validation",
                                                "saving",
                                                "waiting"};
    return names[phase];
}

enum phase profile_collective_phase(int i)
{
    return collective[i];
}

void profile_start(bool on)
{
    memset(&profile, 0, sizeof profile);
    profile.on = on;
    profile.weight = on ? 1 : 0;
    profile.width = 1;
    profile.entered = clock_seconds();
}

/* Gives the time since the last change of phase to the phase that ends. */
static void account(double weight)
{
    double now = clock_seconds();
    profile.seconds[profile.phase] += weight * (now - profile.entered);
    profile.entered = now;
}

void profile_enter(enum phase phase)
{
    if (!profile.on)
        return;
    account(profile.weight);
    profile.phase = phase;
}

/* All places are taken: neighbours become one, twice as wide. */
static void merge_rounds(void)
{
    profile.n /= 2;
    profile.width *= 2;
    for (int c = 0; c < PROFILE_N_COLLECTIVE; c++)
        for (size_t i = 0; i < PROFILE_ROUNDS; i++)
            profile.rounds[c][i] =
                i < profile.n ? profile.rounds[c][2 * i] + profile.rounds[c][2 * i + 1] : 0;
}

static void keep_round(void)
{
    if (profile.filled == 0 && profile.n == PROFILE_ROUNDS)
        merge_rounds();
    if (profile.filled == 0)
        profile.n++;
    for (int c = 0; c < PROFILE_N_COLLECTIVE; c++)
        profile.rounds[c][profile.n - 1] += profile.seconds[collective[c]] - profile.before[c];
    profile.filled = (profile.filled + 1) % profile.width;
}

void profile_round(double weight)
{
    if (!profile.on && weight == 0)
        return;
    if (profile.on) {
        account(profile.weight);
        keep_round();
    }
    for (int c = 0; c < PROFILE_N_COLLECTIVE; c++)
        profile.before[c] = profile.seconds[collective[c]];
    profile.on = weight > 0;
    profile.weight = weight;
    profile.phase = PHASE_OTHER;
    profile.entered = clock_seconds();
}

void profile_enter_alone(enum phase phase)
{
    if (profile.on)
        account(profile.weight);
    profile.on = false;
    profile.phase = phase;
    profile.entered = clock_seconds();
}

void profile_leave_alone(void)
{
    account(1);
    profile.on = profile.weight > 0;
    profile.phase = PHASE_OTHER;
}

void profile_read(double seconds[N_PHASES])
{
    if (profile.on)
        profile_round(profile.weight);
    memcpy(seconds, profile.seconds, sizeof profile.seconds);
}

const double *profile_collective_rounds(size_t *n)
{
    *n = profile.n;
    return profile.rounds[0];
}
