/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_TRAIN_TRAIN_H
#define COTERIE_APP_TRAIN_TRAIN_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * Local, before MPI starts, for train and sweep: signals by which batch systems give notice (USR1,
 * USR2, XCPU) are remembered while ranks start, instead of ending the process.
 */
void train_catch_requests(void);

/* Collective. */
status train_command(const struct communicator *comm, struct options *options);

#endif
