/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_DOCTOR_DOCTOR_H
#define COTERIE_APP_DOCTOR_DOCTOR_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * Collective. What in this environment will hurt, with the fix; STATUS_FAILED if something must be
 * fixed.
 */
status doctor_command(const struct communicator *comm, struct options *options);

#endif
