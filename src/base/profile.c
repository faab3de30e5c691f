#include "coterie/base/profile.h"

#include "coterie/base/clock.h"

#include <string.h>

static struct {
    bool on;
    enum phase phase;
    double entered;
    double seconds[N_PHASES];
} profile;

const char *profile_name(enum phase phase)
{
    static const char *const names[N_PHASES] = {
        "other",     "data",     "gate",    "experts forward",
        "posterior", "exchange", "combine", "experts backward",
        "update",    "metrics",  "saving"};
    return names[phase];
}

void profile_start(bool on)
{
    memset(&profile, 0, sizeof profile);
    profile.on = on;
    profile.entered = clock_seconds();
}

void profile_enter(enum phase phase)
{
    if (!profile.on)
        return;
    double now = clock_seconds();
    profile.seconds[profile.phase] += now - profile.entered;
    profile.phase = phase;
    profile.entered = now;
}

void profile_read(double seconds[N_PHASES])
{
    profile_enter(profile.phase);
    memcpy(seconds, profile.seconds, sizeof profile.seconds);
}
