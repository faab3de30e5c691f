/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EVALUATE_EVALUATE_H
#define COTERIE_APP_EVALUATE_EVALUATE_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/* Collective. */
status evaluate_command(const struct communicator *comm, struct options *options);

#endif
