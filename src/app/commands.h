#ifndef COTERIE_APP_COMMANDS_H
#define COTERIE_APP_COMMANDS_H

#include "app/options/options.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * Local, before MPI starts, for train and sweep: SIGUSR1 is remembered until the first step, while
 * ranks start and data are read, instead of ending the process.
 */
void train_catch_requests(void);

/*
 * The commands. All are Collective: every rank calls with the same options and gets the same
 * status; main prints the text of a failure.
 */
status train_command(const struct communicator *comm, struct options *options);
status evaluate_command(const struct communicator *comm, struct options *options);
status predict_command(const struct communicator *comm, struct options *options);
status inspect_command(const struct communicator *comm, struct options *options);
status convert_command(const struct communicator *comm, struct options *options);
/* What in this environment will hurt, with the fix; STATUS_FAILED if something must be fixed. */
status doctor_command(const struct communicator *comm, struct options *options);
status bench_command(const struct communicator *comm, struct options *options);
/*
 * Trains with every setting of a grid, on parts of the ranks. STATUS_STOPPED if asked to stop
 * before all were done, else STATUS_FAILED if a run has failed.
 */
status sweep_command(const struct communicator *comm, struct options *options);
/* Writes a batch script for Slurm, and submits it if asked to. */
status submit_command(const struct communicator *comm, struct options *options);

#endif
