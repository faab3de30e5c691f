/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double program_start;

void clock_start(void)
{
    program_start = clock_seconds();
}

double clock_since_start(void)
{
    return program_start > 0 ? clock_seconds() - program_start : 0;
}

void clock_duration_text(char *text, size_t size, double seconds)
{
    long total = isfinite(seconds) && seconds < 3.6e8 ? lround(seconds) : 0;
    if (total >= 3600)
        snprintf(text, size, "%ldh%02ldm", total / 3600, total / 60 % 60);
    else if (total >= 60)
        snprintf(text, size, "%ldm%02lds", total / 60, total % 60);
    else
        snprintf(text, size, "%lds", total);
}

void clock_timestamp(char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
