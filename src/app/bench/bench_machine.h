/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_BENCH_MACHINE_H
#define COTERIE_APP_BENCH_MACHINE_H

#include "base/status.h"
#include "comm/communicator.h"

/* What this machine can do at best, measured with all ranks at work. */
enum { MACHINE_GEMM_SIZE = 2048 };

struct machine {
    double gemm_gflops; /* all ranks together, square matrices of MACHINE_GEMM_SIZE */
    double latency;     /* s, a sum over all ranks of one number */
};

/* Collective. Takes about half the seconds, and at least the time of one product. */
status machine_measure(const struct communicator *comm, double seconds, struct machine *machine);

#endif
