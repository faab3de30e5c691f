/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STEP_SNAPSHOT_GATHER_H
#define COTERIE_TRAIN_STEP_SNAPSHOT_GATHER_H

#include "checkpoint/snapshot.h"
#include "comm/communicator.h"
#include "train/step/model.h"
#include "train/step/optimizer.h"

/* A snapshot and the ranks whose parameters it holds. */

/* This rank's part of the same. */
struct local_networks {
    real *gate;                    /* rank 0, else NULL */
    real *experts;                 /* (n_local, expert stride) */
    struct dispersion *dispersion; /* (n_local) */
};

/* Collective. */
status snapshot_init(struct snapshot *snapshot, const struct model *model,
                     const struct communicator *comm, enum optimizer_kind optimizer, bool has_best);
/* Collective. Room for the running sums of on-line EM; for a width of 0 nothing. */
status snapshot_add_sums(struct snapshot *snapshot, const struct communicator *comm, size_t width);
/* Collective. From the ranks to rank 0 (`all` may be NULL elsewhere), and back. */
void snapshot_gather(const struct model *model, const struct communicator *comm,
                     const struct local_networks *local, struct networks *all);
void snapshot_scatter(const struct model *model, const struct communicator *comm,
                      const struct networks *all, struct local_networks *local);

/* The same for one slot of the optimisers, whose ln sigma^2 part is inside the experts' blocks. */
void snapshot_gather_slot(const struct model *model, const struct communicator *comm,
                          const struct optimizer *gate, const struct optimizer *experts, int slot,
                          struct networks *all);
void snapshot_scatter_slot(const struct model *model, const struct communicator *comm,
                           const struct networks *all, struct optimizer *gate,
                           struct optimizer *experts, int slot);

#endif
