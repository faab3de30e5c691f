/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_HDF5_PROBE_H
#define COTERIE_DATA_HDF5_PROBE_H

#include "base/status.h"

#include <stdbool.h>

/*
 * The HDF5 library can crash on a malformed file, or never come to an end. Therefore another
 * process walks through a file first: this program with the words HDF5_PROBE_COMMAND and the path,
 * which never starts MPI. What it can do wrong it does there, within a few seconds of processor
 * time. All functions are Local.
 */
#define HDF5_PROBE_COMMAND "check-file"

/*
 * From here on hdf5_open probes files that are not known yet; without this it does not.
 * `is_sound`, or NULL, says of a file that it cannot be damaged, so that no process need be
 * started.
 */
void hdf5_probe_enable(bool (*is_sound)(const char *path));

/* STATUS_USAGE if the library does not survive the file; STATUS_OK whatever else is wrong with it.
 */
status hdf5_probe(const char *path);

/* The file as it is now needs no probing: this process wrote it. */
void hdf5_probe_trust(const char *path);

/* What the other process does. Its exit code: 0 if it gets to an end, and can open all there is. */
enum { HDF5_NOT_ALL_OPENED = 1 };
int hdf5_probe_walk(const char *path);

#endif
