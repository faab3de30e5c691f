/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_MEMORY_CGROUP_H
#define COTERIE_BASE_MEMORY_CGROUP_H

#include <stddef.h>

/*
 * Bytes that the control groups of this process (a container, a batch job) leave it; SIZE_MAX
 * without a limit. Pages of files that were read count as free: the kernel drops them when memory
 * is needed. Local.
 */
size_t memory_cgroup_available(void);

#endif
