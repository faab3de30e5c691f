/* SPDX-License-Identifier: BSD-3-Clause */
/* A check that fails on one rank only must fail the test on all of them. */
#include "mpi_test.h"

static void last_rank_fails(void)
{
    CHECK(mpi_test_rank() != mpi_test_size() - 1);
}

static void all_ranks_pass(void)
{
    CHECK(mpi_test_rank() < mpi_test_size());
}

int main(int argc, char **argv)
{
    mpi_test_start(&argc, &argv);
    MPI_TEST(all_ranks_pass);
    int after_pass = mpi_test_worst;
    MPI_TEST(last_rank_fails);
    int after_failure = mpi_test_worst;
    mpi_test_worst = 0;
    CHECK(after_pass == 0 && after_failure == 1);
    MPI_TEST(all_ranks_pass);
    int code = mpi_test_finish();
    return after_pass == 0 && after_failure == 1 ? code : 1;
}
