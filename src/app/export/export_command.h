/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EXPORT_COMMAND_H
#define COTERIE_APP_EXPORT_COMMAND_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/* Collective. `coterie export CHECKPOINT OUT`: the work is rank 0's. */
status export_command(const struct communicator *comm, struct options *options);

#endif
