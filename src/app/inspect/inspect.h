/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_INSPECT_INSPECT_H
#define COTERIE_APP_INSPECT_INSPECT_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/* Collective. */
status inspect_command(const struct communicator *comm, struct options *options);

#endif
