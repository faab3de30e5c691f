/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SWEEP_SWEEP_H
#define COTERIE_APP_SWEEP_SWEEP_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * Collective. Trains with every setting of a grid, on parts of the ranks. STATUS_STOPPED if asked
 * to stop before all were done, else STATUS_FAILED if a run has failed.
 */
status sweep_command(const struct communicator *comm, struct options *options);

#endif
