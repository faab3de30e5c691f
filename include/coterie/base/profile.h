#ifndef COTERIE_BASE_PROFILE_H
#define COTERIE_BASE_PROFILE_H

#include <stdbool.h>

/*
 * Where the time of this rank goes. At any moment the rank is in one phase; profile_enter ends the
 * one before. Costs one reading of the clock each time, nothing when off. Local.
 */
enum phase {
    PHASE_OTHER,
    PHASE_DATA, /* loading a micro-batch */
    PHASE_GATE, /* forward and backward */
    PHASE_EXPERTS_FORWARD,
    PHASE_POSTERIOR, /* at the root */
    PHASE_EXCHANGE,  /* gather and scatter, waiting for other ranks included */
    PHASE_COMBINE,   /* the combined output, waiting included */
    PHASE_EXPERTS_BACKWARD,
    PHASE_UPDATE,
    PHASE_METRICS,
    PHASE_SAVING,
    N_PHASES
};

const char *profile_name(enum phase phase);

/* Clears all times; off: profile_enter does nothing. */
void profile_start(bool on);
void profile_enter(enum phase phase);

/* Seconds spent in each phase since profile_start. */
void profile_read(double seconds[N_PHASES]);

#endif
