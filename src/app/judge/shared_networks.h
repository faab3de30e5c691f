/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SHARED_NETWORKS_H
#define COTERIE_APP_SHARED_NETWORKS_H

#include "app/judge/loaded_model.h"
#include "base/status.h"
#include "checkpoint/snapshot.h"
#include "comm/communicator.h"

/*
 * Collective. The parameters of the gate and of all experts, on every rank: snapshot->current, with
 * snapshot->shape. `loaded` must have been opened. snapshot_release frees it, also after a failure.
 */
status shared_networks(const struct communicator *comm, const struct loaded_model *loaded,
                       struct snapshot *snapshot);

#endif
