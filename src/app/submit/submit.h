/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUBMIT_SUBMIT_H
#define COTERIE_APP_SUBMIT_SUBMIT_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/* Collective. Writes a batch script for Slurm, and submits it if asked to. */
status submit_command(const struct communicator *comm, struct options *options);

#endif
