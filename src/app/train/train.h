#ifndef COTERIE_APP_TRAIN_TRAIN_H
#define COTERIE_APP_TRAIN_TRAIN_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * Local, before MPI starts, for train and sweep: SIGUSR1 is remembered until the first step, while
 * ranks start and data are read, instead of ending the process.
 */
void train_catch_requests(void);

/* Collective. */
status train_command(const struct communicator *comm, struct options *options);

#endif
