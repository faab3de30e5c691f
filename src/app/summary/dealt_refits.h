/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUMMARY_DEALT_REFITS_H
#define COTERIE_APP_SUMMARY_DEALT_REFITS_H

#include "base/status.h"
#include "comm/communicator.h"

#include <stddef.h>

/*
 * Collective. Refits 0 .. n-1 dealt over the ranks: each makes its own by refit(context, number,
 * told), which sets told (width). all (n, width) at the root; NULL elsewhere.
 */
status dealt_refits(const struct communicator *comm, size_t n, size_t width,
                    status (*refit)(void *context, size_t number, double *told), void *context,
                    double *all);

#endif
