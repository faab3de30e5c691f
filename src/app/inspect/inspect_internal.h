#ifndef COTERIE_APP_INSPECT_INTERNAL_H
#define COTERIE_APP_INSPECT_INTERNAL_H

#include "base/status.h"

/* Root. Names, types and shapes of all data sets. */
status inspect_list_hdf5(const char *path);

/*
 * Root. The columns of a CSV file as they are, whether they can be trained on or not. STATUS_USAGE
 * if it cannot be read as a table.
 */
status inspect_list_csv(const char *path);

/* Root. Reads every data set, which checks its checksums; STATUS_FAILED if that is not possible. */
status inspect_verify_hdf5(const char *path);

#endif
