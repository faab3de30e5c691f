/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_INSPECT_INTERNAL_H
#define COTERIE_APP_INSPECT_INTERNAL_H

#include "app/options/options.h"
#include "base/status.h"

#include <stdbool.h>

/*
 * What `coterie inspect` prints, by what the path is. All are Root. `verify`: also check every
 * checksum; STATUS_FAILED if one is wrong.
 */
status inspect_data(const char *path, const struct options *options);
status inspect_checkpoint(const char *path, bool verify);
status inspect_run(const char *path, bool verify); /* a run directory */

/*
 * Root. A checkpoint, or the one that a run directory means, as one JSON object: counts, names,
 * options, and under "arrays" parameters and scaling by their names in the checkpoint. All
 * checksums are verified. STATUS_USAGE for what is not a checkpoint.
 */
status inspect_json(const char *path);

/* Root. Names, types and shapes of all data sets. */
status inspect_list_hdf5(const char *path);

/*
 * Root. The columns of a CSV file as they are, whether they can be trained on or not. STATUS_USAGE
 * if it cannot be read as a table.
 */
status inspect_list_csv(const char *path);

/* Root. Reads every data set, which checks its checksums; STATUS_FAILED if that is not possible. */
status inspect_verify_hdf5(const char *path);

#endif
