/* SPDX-License-Identifier: BSD-3-Clause */
#include "round_timer.h"

/* One round in k, k = limit / (seconds of a round): 0.2 % or 2 % for half a microsecond. */
static const double limit = 250e-6, limit_in_full = 25e-6;

double round_timer_next(struct round_timer *timer, double elapsed)
{
    timer->round++;
    double per_round = elapsed / (double)timer->round;
    double wanted = timer->in_full ? limit_in_full : limit;
    int64_t since = timer->round - timer->last;
    if ((double)since * per_round < wanted)
        return 0;
    timer->last = timer->round;
    return (double)since;
}
