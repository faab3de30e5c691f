/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUMMARY_SUMMARY_H
#define COTERIE_APP_SUMMARY_SUMMARY_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * Collective. The coefficients of a trained mixture with their standard errors, how well it fits,
 * and what its inputs do: docs/summary.md.
 */
status summary_command(const struct communicator *comm, struct options *options);

#endif
