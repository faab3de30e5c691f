/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_EXPORT_EXPORT_H
#define COTERIE_EXPORT_EXPORT_H

#include "base/status.h"

#include <stddef.h>

/*
 * Trained mixtures for other programs: files that need no coterie. The ending of the name decides
 * the format. No MPI; all functions are Local.
 */

/*
 * STATUS_USAGE if the ending is of no format, or of one that this program was built without; if the
 * file exists; or if its folder cannot be written to.
 */
status export_check(const char *path);

/*
 * Writes the checkpoint (a run directory stands for its best model, else the latest) to `path`,
 * which is whole or absent. STATUS_USAGE for what the format cannot hold. `said` (size): one line
 * on what was written.
 */
status export_model(const char *checkpoint, const char *path, char *said, size_t size);

#endif
