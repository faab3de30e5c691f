/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_CHECKPOINT_H
#define COTERIE_TRAIN_CHECKPOINT_H

#include "base/status.h"
#include "base/string_list.h"
#include "checkpoint/known_samples.h"
#include "checkpoint/snapshot.h"
#include "data/hdf5/hdf5_file.h"
#include "data/samples/scaler.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Checkpoints: one self-contained HDF5 file a generation, the same for any number of ranks. Layout:
 *
 *   /            attributes format, format_version, software_version, created, precision
 *   /config      one attribute per option, values resolved
 *   /names       inputs, targets · /classes · /scaler  x_mean, x_scale, y_mean, y_scale,
 *                x_least, x_most: the range of each input in the samples trained on
 *   /gate        layer<i>/weight (out,in), bias (out); or, if Gaussian, gaussian/alpha (E),
 *                mean (E,D), covariance (E,D,D)
 *   /experts     layer<i>/weight (E,out,in), bias (E,out) · variance (E)
 *   /optimizer   <slot>/{gate,experts}/... as above; on-line EM: em/experts/sums (E, ...)
 *   /best        {gate,experts}/... of the lowest validation error
 *   /due_best    the same among the epochs of --metrics-every, where the last row is none of them
 *                and better
 *   /progress    attributes, and use (E) · /data attributes · /history one column per metric
 *   /check       x (n,D), y (n,O), log_density (n): inputs, and what the model says of them
 *   /conformal, /novelty: see known_samples.h
 *   /checksum    experts (E), gate and rest: xxHash, 64 bits
 *
 * After the HDF5 file, where its readers do not look, a checksum of all its bytes follows.
 *
 * All functions are Root: rank 0 alone touches files.
 */
enum {
    CHECKPOINT_FORMAT_VERSION = 2, /* what is written */
    CHECKPOINT_OLDEST_VERSION = 1  /* what is read, too */
};

/* Its attribute `format`. */
extern const char checkpoint_format[];

/* What a checkpoint says besides numbers. */
struct run_record {
    struct string_list config_keys, config_values;
    struct string_list input_names, target_names, classes;
    struct string_list input_units, target_units; /* as many as names, or none at all */
    struct scaler scaler;
    struct input_spread spread;
    char *data_path, *data_split; /* where the samples came from, and which part was trained on */
    uint64_t data_n, data_fingerprint;
    uint64_t valid_fingerprint; /* of a validation file; 0: there is none, or it is not known */
    double target_variance;     /* mean variance of the scaled numeric targets, else 1 */
};

void run_record_release(struct run_record *record);
const char *run_record_config(const struct run_record *record, const char *key); /* or NULL */
bool run_record_is_classifier(const struct run_record *record);

/*
 * Writes `path` so that it is whole or absent: path.tmp -> flush -> fsync -> close -> reopen and
 * verify -> rename -> fsync of the folder. STATUS_FAILED leaves no trace.
 */
status checkpoint_publish(const char *path, const struct snapshot *snapshot,
                          const struct run_record *record);

/*
 * The file that `path` means: itself; of a run directory, or of its folder of checkpoints, the best
 * model, else the latest. STATUS_USAGE for a folder without either.
 */
status checkpoint_find(const char *path, char *found, size_t size);

/* Whether an open HDF5 file says that it is a checkpoint, of whatever version. */
status checkpoint_is_one(struct hdf5_file *file, bool *answer);

/* Opens, checks format, version and all checksums. *out stays NULL on failure. */
status checkpoint_open(const char *path, struct hdf5_file **out);

/* Checks every checksum of an open file; the message names the part that does not verify. What
 * verifies is what was written, to the last bit of the file. */
status checkpoint_verify(struct hdf5_file *file);

/*
 * Local. Whether a file ends with the seal of all bytes before it, so that it is what a run wrote.
 * False also of a large one, of which the bytes are many: starting a process that walks through it
 * is quicker then.
 */
bool checkpoint_is_sealed(const char *path);

/*
 * Computes the checksums of what the file holds: experts[0 .. E-1], *gate and *rest. E is the first
 * dimension of /experts/layer0/weight.
 */
status checkpoint_checksums(struct hdf5_file *file, size_t n_experts, uint64_t *experts,
                            uint64_t *gate, uint64_t *rest);

status checkpoint_read_record(struct hdf5_file *file, struct run_record *record);

/* Parameters for evaluation: current ones, or those of /best. */
status checkpoint_read_networks(struct hdf5_file *file, const struct model_shape *shape, bool best,
                                struct networks *networks);

/* What a reader compares its own predictions with; empty if the file has none. */
status checkpoint_read_check(struct hdf5_file *file, const struct model_config *config,
                             struct self_check *check);

/* Where the run stood. What version 1 did not tell follows from the rest. */
status checkpoint_read_progress(struct hdf5_file *file, struct progress *progress);

/* The metrics up to then, a record each; `history` (history_release) is replaced. */
status checkpoint_read_history(struct hdf5_file *file, struct history *history);

/* Everything that training needs to go on. */
status checkpoint_read_state(struct hdf5_file *file, struct snapshot *snapshot);

/*
 * For --init: parameters from any HDF5 file with this layout, of which parts may be missing (then
 * `networks` keeps what it has); no checksums are asked for. At least one part must be there.
 */
status checkpoint_read_init(const char *path, const struct model_shape *shape,
                            struct networks *networks);

#endif
