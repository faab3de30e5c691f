#ifndef COTERIE_TRAIN_SNAPSHOT_H
#define COTERIE_TRAIN_SNAPSHOT_H

#include "base/status.h"
#include "checkpoint/progress.h"
#include "comm/communicator.h"
#include "train/step/model.h"
#include "train/step/optimizer.h"

#include <stdbool.h>

/*
 * A copy of the whole training state on rank 0, which a checkpoint is written from while training
 * goes on, and into which one is read. On other ranks the arrays are NULL.
 */

/* The parameters of a gate and all E experts. */
struct networks {
    real *gate;       /* (gate stride) */
    real *experts;    /* (E, expert stride) */
    double *variance; /* (E) */
};

/* This rank's part of the same. */
struct local_networks {
    real *gate;       /* rank 0, else NULL */
    real *experts;    /* (n_local, expert stride) */
    double *variance; /* (n_local) */
};

struct snapshot {
    const struct model *model; /* shapes; not owned */
    enum optimizer_kind optimizer;
    int n_slots;
    struct networks current, best;
    bool has_best;
    struct networks slot[OPTIMIZER_MAX_SLOTS]; /* variance holds the slot's part for ln sigma^2 */
    struct progress progress;
    size_t n_sums; /* on-line EM: doubles of an expert's running sums, else 0 */
    double *sums;  /* (E, n_sums) */
    double *use;   /* (E) running sums of the mixing proportions */
    struct history history;
};

/* Collective. */
status snapshot_init(struct snapshot *snapshot, const struct model *model,
                     const struct communicator *comm, enum optimizer_kind optimizer, bool has_best);
/* Root. The same for a model that is not spread over ranks: only its shapes are needed. */
status snapshot_init_at_root(struct snapshot *snapshot, const struct model *model,
                             enum optimizer_kind optimizer, bool has_best);
/* Collective. Room for the running sums of on-line EM; for a width of 0 nothing. */
status snapshot_add_sums(struct snapshot *snapshot, const struct communicator *comm, size_t width);
/* Root. The same, of a snapshot that only the root has. */
status snapshot_add_sums_at_root(struct snapshot *snapshot, size_t width);
void snapshot_release(struct snapshot *snapshot);

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
