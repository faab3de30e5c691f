/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_WATCH_PLAIN_LINE_H
#define COTERIE_APP_WATCH_PLAIN_LINE_H

#include "screen.h"

#include <stdio.h>

/*
 * Local. Writes a line and its newline, cut to the screen's columns. Control characters, which a
 * path may have, and what the screen cannot show become question marks.
 */
void plain_line(const struct screen *screen, FILE *out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
