/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_WATCH_FRAME_H
#define COTERIE_APP_WATCH_FRAME_H

#include "run_state.h"
#include "screen.h"

#include "base/status.h"

/*
 * Local. What is shown of a run: lines that fit screen->columns, at most screen->rows of them, each
 * with its newline; memory_free.
 */
status frame_make(const struct screen *screen, const struct run_state *state, char **frame);

#endif
