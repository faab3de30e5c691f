/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_CLOCK_H
#define COTERIE_BASE_CLOCK_H

#include <stddef.h>

/* Seconds of a clock that never goes back; only differences mean something. Local. */
double clock_seconds(void);

/* Notes that the program starts now. Local; before everything else. */
void clock_start(void);

/* Seconds since clock_start; 0 if there was none. Local. */
double clock_since_start(void);

/* A duration in seconds as "42s", "3m12s" or "5h07m"; what is not finite as "0s". Local. */
void clock_duration_text(char *text, size_t size, double seconds);

/* The time of day as 2026-11-22T14:37:44Z. `size` at least 21. Local. */
void clock_timestamp(char *text, size_t size);

#endif
