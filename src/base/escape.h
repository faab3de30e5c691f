/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_ESCAPE_H
#define COTERIE_BASE_ESCAPE_H

#include <stddef.h>

/*
 * Writes control characters out (\n, \x1b), so that names from files can neither end a line nor
 * command a terminal. Cuts what does not fit into `size` bytes. All that the program says passes
 * through it. Local.
 */
void escape_controls(char *to, size_t size, const char *from);

#endif
