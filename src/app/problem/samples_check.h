/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_PROBLEM_SAMPLES_CHECK_H
#define COTERIE_APP_PROBLEM_SAMPLES_CHECK_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"
#include "data/source/source.h"

#include <stdbool.h>

/* Root. STATUS_USAGE if --stream always is given for a file that is not HDF5. */
status samples_check_stream(const struct options *options, const struct source *source);

/* Root. STATUS_USAGE if --read root is given for data that several hosts have to stream. */
status samples_check_reader(const struct communicator *comm, const struct options *options,
                            const struct source *source, bool streams);

/*
 * Root. STATUS_USAGE if all samples of a source cannot fit into this host's memory, and must be
 * there: before they are read, which may take long.
 */
status samples_check_size(const struct options *options, const struct source *source);

#endif
