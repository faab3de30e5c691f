/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_OPTIMIZER_KIND_H
#define COTERIE_MODEL_OPTIMIZER_KIND_H

/* The optimisers, and the averages that they keep. optimizer.h says what each does. */
enum optimizer_kind {
    OPTIMIZER_GD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_ADAM,
    OPTIMIZER_EM /* no step along a gradient: train/em/em.h */
};
enum { OPTIMIZER_MAX_SLOTS = 2 };

int optimizer_n_slots(enum optimizer_kind kind);
/* "momentum", or "m" and "v": the names in a checkpoint. */
const char *optimizer_slot_name(enum optimizer_kind kind, int slot);

#endif
