/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_AUTO_H
#define COTERIE_APP_AUTO_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * `coterie train`, where what is not said is chosen by the data (--auto on): a committee of every
 * candidate structure is trained, and the one trained in earnest that says the most likely things
 * of the samples its members have left out. The choice hangs on data, options and seed only, never
 * on the ranks. Collective.
 */
status auto_train_command(const struct communicator *comm, struct options *options);

#endif
