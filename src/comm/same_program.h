/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_SAME_PROGRAM_H
#define COTERIE_COMM_SAME_PROGRAM_H

#include "base/status.h"

/*
 * Collective over all ranks that MPI has started, before anything else that they do together: do
 * they run the same program, build and precision with the same command line? STATUS_USAGE on all
 * if not, naming the first rank that differs from rank 0, its host, and in what. What is sent has
 * one size and one layout for all versions. A program that does not take part is one of another
 * kind: after half a minute the job is ended, with exit code STATUS_USAGE.
 */
status same_program_check(int argc, char **argv, const char *host);

#endif
