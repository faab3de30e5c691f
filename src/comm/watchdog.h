/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_WATCHDOG_H
#define COTERIE_COMM_WATCHDOG_H

#include "base/status.h"
#include "comm/communicator.h"

#include <stdint.h>

/*
 * Ends a run that hangs. Every rank publishes where it is (base/site.h) in memory that its host
 * shares, and has a thread that looks once in a while whether any rank of the host still gets on.
 * If none has for `timeout` seconds, one thread a host looks for the rank that is behind the
 * others, or in another collective, or whose process is stopped, names it with its host, site and
 * step, and ends all ranks. Hosts tell each other through files in `directory`, since ranks that
 * hang answer no message. A step of training touches nothing but a few words of memory.
 */
/*
 * Collective. timeout 0: does not watch. From here on injected faults can happen, so that a hang of
 * the very first collective is noticed too.
 */
status watchdog_start(struct communicator *comm, double timeout);

/*
 * Collective. Another timeout, and the `directory` (of rank 0; one that all hosts see, or NULL) for
 * what hosts tell each other.
 */
status watchdog_set(const struct communicator *comm, double timeout, const char *directory);

/* For how long nothing has moved, as it looks to one who looks once in a while. */
struct idle_clock {
    uint64_t progress;   /* when last looked at */
    double looked, idle; /* clock; seconds */
};

/*
 * The seconds for which `progress` has not changed, seen at the time `now`. Between two looks at
 * most one second counts: of a job that is suspended (by Slurm, say) all ranks stand still and
 * nobody looks, and that is no hang. Local.
 */
double idle_clock_look(struct idle_clock *clock, double now, uint64_t progress);

/* Collective. */
void watchdog_stop(struct communicator *comm);

#endif
