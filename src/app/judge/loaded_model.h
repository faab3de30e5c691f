/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_LOADED_MODEL_H
#define COTERIE_APP_LOADED_MODEL_H

#include "app/problem/problem.h"
#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "comm/communicator.h"
#include "train/feed/samples.h"
#include "train/step/model.h"
#include "train/step/step.h"

#include <stddef.h>
#include <stdint.h>

/* A trained model and the samples it is applied to. */
struct loaded_model {
    struct hdf5_file *file;   /* root: the checkpoint */
    struct run_record record; /* root */
    struct problem problem;
    struct model model; /* spread over the ranks by loaded_model_spread */
    size_t micro_batch;
    struct source *source; /* root */
    uint64_t *rows;        /* root: (samples.dataset.shape.n) which samples of the source */
    enum data_part part;   /* root: of these; PART_TRAINED has become another */
    struct samples samples;
    struct step step;
};

/*
 * Collective. Reads the checkpoint at `path` (a run directory stands for its best model, or the
 * latest) and opens the samples that the options name, all of them or --part. targets_optional:
 * they may be missing.
 */
status loaded_model_open(const struct communicator *comm, const struct options *options,
                         const char *path, bool targets_optional, struct loaded_model *loaded);

/* Collective. The model over the ranks, as in training, and a step. */
status loaded_model_spread(const struct communicator *comm, struct loaded_model *loaded);

/*
 * Collective. Without --data, the samples that the run held out by --valid become those of the
 * options; STATUS_USAGE if it held out none.
 */
status loaded_model_take_held_out(const struct communicator *comm, const char *path,
                                  struct options *options);

/*
 * Collective. Without --data, the file that the model was trained on becomes that of the options.
 */
status loaded_model_take_trained(const struct communicator *comm, const char *path,
                                 struct options *options);

/* Collective. */
void loaded_model_release(const struct communicator *comm, struct loaded_model *loaded);

/* Local. The share that --valid held out in training; 0 if it was a file or nothing. */
double loaded_model_held_out(const struct run_record *record);

#endif
