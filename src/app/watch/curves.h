/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_WATCH_CURVES_H
#define COTERIE_APP_WATCH_CURVES_H

#include "screen.h"

#include "base/status.h"
#include "checkpoint/progress.h"

#include <stdio.h>

/*
 * Local. Learning curves of a history, as many as `rows` lines have room for: the error first, then
 * what says how good predictions are, then the learning rate if it varies. Training is a line,
 * validation a row of o, so that they differ without colour, too.
 */
status curves_draw(const struct screen *screen, const struct history *history, int rows, FILE *out);

#endif
