/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_MEMORY_H
#define COTERIE_BASE_MEMORY_H

#include "base/status.h"

#include <stddef.h>

/*
 * Allocates `count` zeroed elements of `size` bytes, starting at 64 bytes and padded to 64 bytes.
 * `what` names the array in the message of a failure. *out is NULL on failure. A count of 0 gives a
 * valid pointer. Free with memory_free. Local.
 */
status memory_alloc(void *out, size_t count, size_t size, const char *what);

/* Grows an array made by memory_alloc (or NULL) to `count` elements; new ones are not zeroed. */
status memory_grow(void *in_out, size_t old_count, size_t count, size_t size, const char *what);

/* Frees and sets the pointer at `in_out` to NULL. Local. */
void memory_free(void *in_out);

/* A copy of a string, or NULL if there is no memory. Local. */
char *memory_strdup(const char *text);

/* Physical memory of this host that can still be used, in bytes; respects a cgroup limit. Local. */
size_t memory_available(void);

#endif
