/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_machine.h"

#include "base/clock.h"
#include "base/memory.h"
#include "math/blas.h"

#include <math.h>

enum { LATENCY_REPEATS = 2000 };

static const double most_repeats = 7, repeats_a_second = 3.5;

/* The best of a few, so that a moment of other work on the machine does not flatter us. */
static double gemm_seconds(const struct communicator *comm, double repeats, const real *a,
                           const real *b, real *c)
{
    const size_t n = MACHINE_GEMM_SIZE;
    double best = 1e300;
    for (int i = 0; i < repeats; i++) {
        communicator_barrier(comm);
        double before = clock_seconds();
        blas_gemm(BLAS_PLAIN, BLAS_PLAIN, n, n, n, a, n, b, n, 0, c, n);
        double seconds = clock_seconds() - before;
        communicator_max(comm, &seconds, 1);
        best = seconds < best ? seconds : best;
    }
    return best;
}

static double sum_latency(const struct communicator *comm)
{
    int64_t one = 1;
    communicator_barrier(comm);
    double before = clock_seconds();
    for (int i = 0; i < LATENCY_REPEATS; i++)
        communicator_sum(comm, &one, 1);
    return (clock_seconds() - before) / LATENCY_REPEATS;
}

status machine_measure(const struct communicator *comm, double seconds, struct machine *machine)
{
    const size_t n = MACHINE_GEMM_SIZE;
    real *a = NULL, *b = NULL, *c = NULL;
    status outcome = memory_alloc(&a, n * n, sizeof(real), "a matrix");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&b, n * n, sizeof(real), "a matrix");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&c, n * n, sizeof(real), "a matrix");
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK) {
        COTERIE_ASSERT(a && b && c);
        for (size_t i = 0; i < n * n; i++)
            a[i] = b[i] = (real)(1.0 / (double)(1 + i % 7));
        double operations = 2.0 * (double)n * (double)n * (double)n;
        double repeats = fmin(seconds * repeats_a_second, most_repeats);
        machine->gemm_gflops =
            1e-9 * operations * comm->size / gemm_seconds(comm, repeats, a, b, c);
        machine->latency = sum_latency(comm);
    }
    memory_free(&a);
    memory_free(&b);
    memory_free(&c);
    return outcome;
}
