/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_CONVERT_CONVERT_H
#define COTERIE_APP_CONVERT_CONVERT_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/* Collective. */
status convert_command(const struct communicator *comm, struct options *options);

#endif
