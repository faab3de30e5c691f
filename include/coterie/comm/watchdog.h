#ifndef COTERIE_COMM_WATCHDOG_H
#define COTERIE_COMM_WATCHDOG_H

#include "coterie/base/status.h"
#include "coterie/comm/communicator.h"

/*
 * Ends a run that hangs. Every rank publishes where it is (base/site.h) in memory that its host
 * shares, and has a thread that looks once in a while whether its own rank still gets on. If it has
 * not for `timeout` seconds, one thread a host looks for the rank that is behind the others, or in
 * another collective, or whose process is stopped, names it with its host, site and step, and ends
 * all ranks. Hosts tell each other through files in `directory`, since ranks that hang answer no
 * message. A step of training touches nothing but a few words of memory.
 */
struct watchdog;

/* Collective. timeout 0: none. `directory` (of rank 0) must be one that all hosts see, or NULL. */
status watchdog_start(const struct communicator *comm, double timeout, const char *directory,
                      struct watchdog **out);

/* Collective. Sets *watchdog to NULL. */
void watchdog_stop(const struct communicator *comm, struct watchdog **watchdog);

#endif
