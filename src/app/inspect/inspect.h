#ifndef COTERIE_APP_INSPECT_H
#define COTERIE_APP_INSPECT_H

#include "app/options/options.h"
#include "base/status.h"

#include <stdbool.h>

/*
 * What `coterie inspect` prints, by what the path is. All are Root. `verify`: also check every
 * checksum; STATUS_FAILED if one is wrong.
 */
status inspect_data(const char *path, const struct options *options);
status inspect_checkpoint(const char *path, bool verify);
status inspect_run(const char *path, bool verify); /* a run directory */

#endif
