/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_SHARED_FILE_H
#define COTERIE_COMM_SHARED_FILE_H

#include "base/status.h"
#include "comm/communicator.h"

#include <stddef.h>

/*
 * Collective over the ranks of a host, of which there are several; its outcome, the same on all of
 * them, is still to be agreed on with other hosts. Maps `bytes` zeroed bytes that all of them
 * share, and reserves them: in memory without a name where the system allows that, else in a file
 * without a name (any more) in /dev/shm, $TMPDIR, /tmp or /var/tmp. munmap gives them back.
 */
status shared_file_map(const struct communicator *comm, size_t bytes, void **base);

#endif
