/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_ORDERED_SUM_H
#define COTERIE_COMM_ORDERED_SUM_H

#include "base/real.h"
#include "comm/communicator.h"

#include <stddef.h>

/*
 * A sum over ranks whose bits depend on nothing but the numbers and the order of the ranks: each
 * rank gets one slice of everybody's numbers (all-to-all), adds it in rank order, and hands the sum
 * to all (allgather). MPI's own reductions may add in another order, and in another one tomorrow.
 */

/* Reals of `work` for n numbers on `size` ranks. Local. */
size_t ordered_sum_work(int size, size_t n);

/* Collective. values (n, the same on every rank) become value_0 + value_1 + ... of all ranks. */
void ordered_sum(const struct communicator *comm, real *values, size_t n, real *work);

#endif
