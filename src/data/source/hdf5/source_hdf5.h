/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SOURCE_HDF5_H
#define COTERIE_DATA_SOURCE_HDF5_H

#include "data/hdf5/hdf5_file.h"
#include "data/source/source.h"

/*
 * Samples in HDF5 files, and in those of other programs that are. Numbers are checked (finite) when
 * they are read, everything else when it is opened.
 */
extern const struct source_format source_format_hdf5;

/*
 * What to write for an HDF5 file without /x, judged by shapes and names: "--inputs /X --targets
 * /Y"; or what to do about a file of another program; or "" if nothing in it is like samples.
 */
enum { SOURCE_SUGGESTION = 600 };
status source_suggest_hdf5(struct hdf5_file *file, char text[SOURCE_SUGGESTION]);

#endif
