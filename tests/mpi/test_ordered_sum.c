/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums over ranks in rank order, and the parts that a communicator is split into. */
#include "mpi_test.h"

#include "base/memory.h"
#include "base/rng.h"
#include "comm/ordered_sum.h"

#include <string.h>

static struct communicator comm;

/* Of very different sizes, so that another order of additions gives other bits. */
static real number_at(int rank, size_t i)
{
    struct rng rng;
    rng_init(&rng, 5, RNG_SPLIT, (uint32_t)rank, (uint32_t)i);
    double scale[] = {1, 1e-3, 1e4};
    return (real)((2 * rng_uniform(&rng) - 1) * scale[(size_t)rank % 3]);
}

static void sum_is_taken_in_rank_order(void)
{
    const size_t sizes[] = {0, 1, 15, 16, 17, 64, 1000, 4099};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t n = sizes[s], n_wrong = 0;
        real *values = NULL, *work = NULL;
        CHECK(memory_alloc(&values, n, sizeof(real), "test") == STATUS_OK);
        CHECK(memory_alloc(&work, ordered_sum_work(comm.size, n), sizeof(real), "test") ==
              STATUS_OK);
        for (size_t i = 0; i < n; i++)
            values[i] = number_at(comm.rank, i);
        ordered_sum(&comm, values, n, work);
        for (size_t i = 0; i < n; i++) {
            real expected = number_at(0, i);
            for (int r = 1; r < comm.size; r++)
                expected += number_at(r, i);
            n_wrong += memcmp(&expected, &values[i], sizeof expected) != 0;
        }
        CHECK(n_wrong == 0);
        memory_free(&values);
        memory_free(&work);
    }
}

static void check_split(int n_groups)
{
    struct communicator group, peers;
    int group_size = comm.size / n_groups;
    CHECK(communicator_divide(&comm, n_groups, &group, &peers) == STATUS_OK);
    CHECK(group.size == group_size && group.rank == comm.rank % group_size);
    CHECK(peers.size == n_groups && peers.rank == comm.rank / group_size);
    int from = comm.rank;
    communicator_broadcast(&group, &from, sizeof from);
    CHECK(from == comm.rank / group_size * group_size);
    from = comm.rank;
    communicator_broadcast(&peers, &from, sizeof from);
    CHECK(from == comm.rank % group_size);
    communicator_release(&group);
    communicator_release(&peers);
}

static void groups_are_neighbours_and_peers_their_likes(void)
{
    check_split(1);
    check_split(comm.size);
    if (comm.size % 2 == 0)
        check_split(2);
}

/* What fails in one part fails everywhere, with the number of the rank among all. */
static void parts_agree_with_everybody(void)
{
    struct communicator group, peers;
    CHECK(communicator_divide(&comm, comm.size, &group, &peers) == STATUS_OK);
    status local =
        comm.rank == comm.size - 1 ? status_set(STATUS_USAGE, "no such thing") : STATUS_OK;
    CHECK(communicator_agree(&group, local) == STATUS_USAGE);
    CHECK(strstr(status_text(), "no such thing") != NULL);
    char number[32];
    snprintf(number, sizeof number, "rank %d ", comm.size - 1);
    CHECK(comm.size == 1 || strstr(status_text(), number) != NULL);
    communicator_release(&group);
    communicator_release(&peers);
}

int main(int argc, char **argv)
{
    CHECK(communicator_start(&argc, &argv, &comm) == STATUS_OK);
    MPI_TEST(sum_is_taken_in_rank_order);
    MPI_TEST(groups_are_neighbours_and_peers_their_likes);
    MPI_TEST(parts_agree_with_everybody);
    int worst = mpi_test_worst;
    communicator_stop(&comm);
    return worst;
}
