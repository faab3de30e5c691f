/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_HDF5_NAMES_H
#define COTERIE_APP_HDF5_NAMES_H

#include "base/status.h"
#include "base/string_list.h"

/*
 * Local. STATUS_USAGE, naming `path` and the names, if data sets of these names cannot be in one
 * HDF5 file: '/' divides the names of folders there, so that "y_a/b" is in a folder "y_a", which
 * cannot be a data set as well. With the way out.
 */
status hdf5_names_check(const char *path, const struct string_list *names);

#endif
