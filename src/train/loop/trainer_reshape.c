/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer_internal.h"

#include "checkpoint/checkpoint.h"

#include <string.h>

/* Root. The model that is split, pruned or merged: its shapes are all that is needed. */
static status shapes_before(const struct trainer *trainer, const struct reshape *reshape,
                            struct model_shape *before)
{
    *before = model_shape(trainer->model);
    before->config.n_experts = reshape->n_before;
    return model_shapes(&before->config, &before->gate, &before->expert);
}

static status read_networks(const char *path, const struct model_shape *before,
                            struct networks *networks)
{
    struct hdf5_file *file;
    status outcome = checkpoint_open(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = checkpoint_read_networks(file, before, false, networks);
    return hdf5_close_after(&file, outcome);
}

status trainer_read_reshaped(struct trainer *trainer, struct networks *all)
{
    struct model_shape before;
    struct snapshot snapshot = {0};
    const struct model_shape after = model_shape(trainer->model);
    status outcome = shapes_before(trainer, trainer->init_reshape, &before);
    if (outcome == STATUS_OK)
        outcome = snapshot_init_at_root(&snapshot, &before, OPTIMIZER_GD, false);
    if (outcome == STATUS_OK)
        outcome = read_networks(trainer->init_path, &before, &snapshot.current);
    if (outcome == STATUS_OK)
        outcome = reshape_networks(trainer->init_reshape, &before, &snapshot.current, &after, all);
    snapshot_release(&snapshot);
    return outcome;
}

status trainer_read_reshaped_state(struct trainer *trainer, struct hdf5_file *file,
                                   const struct reshape *reshape)
{
    struct model_shape before;
    struct snapshot snapshot = {0};
    status outcome = shapes_before(trainer, reshape, &before);
    if (outcome == STATUS_OK)
        outcome = snapshot_init_at_root(&snapshot, &before, trainer->config->optimizer.kind, false);
    if (outcome == STATUS_OK)
        outcome = snapshot_add_sums_at_root(&snapshot, trainer->saver.snapshot.n_sums);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_state(file, &snapshot);
    if (outcome == STATUS_OK && !snapshot.progress.starts_finished)
        outcome =
            status_set(STATUS_USAGE,
                       "%s is in the middle of its starts; let that run end before its experts "
                       "are split, pruned or merged",
                       hdf5_path(file));
    if (outcome == STATUS_OK)
        outcome = reshape_snapshot(reshape, &snapshot, &trainer->saver.snapshot);
    snapshot_release(&snapshot);
    return outcome;
}
