/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_BENCH_BENCH_MEDIAN_H
#define COTERIE_APP_BENCH_BENCH_MEDIAN_H

#include <stddef.h>

/* Local. Sorts the values; n is not 0. */
double bench_median(double *values, size_t n);

#endif
