/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_PROFILE_H
#define COTERIE_BASE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where the time of this rank goes. At any moment the rank is in one phase; profile_enter ends the
 * one before. Costs one reading of the clock each time, nothing when off. All functions are Local.
 *
 * Reading the clock costs a step of a tiny model a tenth of its time. Such steps are sampled: one
 * round in k is timed and counts k times, in the others the clock is not read.
 */
enum phase {
    PHASE_OTHER,
    PHASE_LOADING, /* reading the data before training */
    PHASE_DATA,    /* forming a micro-batch */
    PHASE_GATE,    /* forward and backward */
    PHASE_EXPERTS_FORWARD,
    PHASE_POSTERIOR, /* at the root */
    PHASE_EXCHANGE,  /* gather, scatter and what rank 0 tells all, waiting for other ranks included
                      */
    PHASE_COMBINE,   /* the combined output, waiting included */
    PHASE_EXPERTS_BACKWARD,
    PHASE_REPLICAS, /* the sum of gradients and metrics over replicas, waiting included */
    PHASE_UPDATE,
    PHASE_METRICS,
    PHASE_VALIDATION, /* all of it, waiting included */
    PHASE_SAVING,     /* of checkpoints, as far as training waits for it */
    PHASE_WAITING, /* never entered: what a comparison of ranks takes off the collective phases */
    N_PHASES
};

const char *profile_name(enum phase phase);

/* Clears all times; off: profile_enter does nothing. */
void profile_start(bool on);
void profile_enter(enum phase phase);

/*
 * A round (a step of training) begins. Its time counts `weight` times; with 0 it is not timed, and
 * profile_enter does nothing. All ranks must time the same rounds.
 */
void profile_round(double weight);

/*
 * Work that comes seldom and counts once, whether the round is timed or not: all of it is in this
 * phase, whatever is entered meanwhile.
 */
void profile_enter_alone(enum phase phase);
void profile_leave_alone(void);

/* Seconds spent in each phase since profile_start. */
void profile_read(double seconds[N_PHASES]);

/*
 * The seconds of each collective phase, round by round: (PROFILE_N_COLLECTIVE, PROFILE_ROUNDS)
 * numbers, of which the first *n of each row are in use. After many rounds a number is the sum over
 * neighbouring rounds, the same ones on every rank. What a collective takes is at most the least
 * that any rank spent in it; the rest of a rank's time there is waiting for the others.
 */
enum { PROFILE_N_COLLECTIVE = 3, PROFILE_ROUNDS = 1024 };
const double *profile_collective_rounds(size_t *n);

/* The phase of row i. */
enum phase profile_collective_phase(int i);

#endif
