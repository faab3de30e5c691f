/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_ROUND_TIMER_H
#define COTERIE_TRAIN_ROUND_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which rounds of training are timed phase by phase. Reading the clock takes about half a
 * microsecond of a round: every round is timed where that is nothing, of short ones one in k, which
 * then counts k times. Root decides, so that all ranks time the same rounds. Local.
 */
struct round_timer {
    bool in_full;        /* --profile: up to 2 % of the time may go into reading the clock */
    int64_t round, last; /* rounds so far; the last one that was timed */
};

/* The weight of the next round for profile_round, 0: not timed. `elapsed` seconds so far. */
double round_timer_next(struct round_timer *timer, double elapsed);

#endif
