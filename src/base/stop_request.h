/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_STOP_REQUEST_H
#define COTERIE_BASE_STOP_REQUEST_H

#include "base/status.h"

#include <stdbool.h>

/*
 * The wish of the user or of a batch system that this process saves its work and ends: one flag for
 * the whole process, raised by signal handlers. All functions are Local, and any thread may call
 * them.
 */

/*
 * For signal handlers: raises the flag. With `insists`, a request more than 2 s after the first one
 * ends the process at once.
 */
void stop_request_raise(bool insists);

bool stop_request_is_raised(void);

/*
 * Whether work that can be given up without a loss, such as reading data before training, ends soon
 * after a request. At first it does not: once training has begun, it needs its samples for the way
 * to the next checkpoint.
 */
void stop_request_interrupts_reading(bool interrupts);

/* Asked in the loops of such work. STATUS_STOPPED, naming `path`, if it is to be given up. */
status stop_request_check(const char *path);

#endif
