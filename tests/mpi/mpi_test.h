/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TESTS_MPI_TEST_H
#define COTERIE_TESTS_MPI_TEST_H

/*
 * Tests that run under mpirun. A check that fails on one rank must fail the test on all of them,
 * and no rank may leave while others wait in a collective: so a check only counts, and the verdict
 * is reduced over the ranks after each test.
 *
 *     int main(int argc, char **argv)
 *     {
 *         mpi_test_start(&argc, &argv);
 *         MPI_TEST(gather_puts_ranks_in_order);
 *         return mpi_test_finish();
 *     }
 */

#include <mpi.h>
#include <stdio.h>

static int mpi_test_failures; /* of this rank, in the current test */
static int mpi_test_worst;    /* of any rank, in any test */

static inline int mpi_test_rank(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static inline int mpi_test_size(void)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

#define CHECK(condition) mpi_test_check((condition), #condition, __FILE__, __LINE__)

static inline void mpi_test_check(int holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    mpi_test_failures++;
    fprintf(stderr, "rank %d: %s:%d: %s does not hold\n", mpi_test_rank(), file, line, condition);
}

static inline void mpi_test_start(int *argc, char ***argv)
{
    int provided;
    MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &provided);
}

#define MPI_TEST(function) mpi_test_run(#function, function)

static inline void mpi_test_run(const char *name, void (*function)(void))
{
    mpi_test_failures = 0;
    function();
    int total;
    MPI_Allreduce(&mpi_test_failures, &total, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (total > 0)
        mpi_test_worst = 1;
    if (mpi_test_rank() == 0)
        printf("%s %s on %d ranks\n", total > 0 ? "FAILED" : "ok    ", name, mpi_test_size());
}

/* The exit code of main. */
static inline int mpi_test_finish(void)
{
    MPI_Finalize();
    return mpi_test_worst;
}

#endif
