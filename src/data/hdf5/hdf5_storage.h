/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_HDF5_STORAGE_H
#define COTERIE_DATA_HDF5_STORAGE_H

#include "base/status.h"
#include "data/hdf5/hdf5_file.h"

/*
 * Local. Whether all numbers of a data set are there to be read: where the library would give its
 * fill value in their place (never written, a source of a virtual data set or an external file that
 * is gone), or has no filter for them, STATUS_USAGE says what is missing and what to do.
 */
status hdf5_check_storage(struct hdf5_file *file, const char *name);

#endif
