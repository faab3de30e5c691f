/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a communicator: who is in them, and that what happens in one leaves the others alone. */
#include "mpi_test.h"

#include "base/memory.h"
#include "comm/communicator.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct communicator whole;

/* Parts of two ranks: the last may have one. */
enum { PART = 2 };

static void ranks_are_numbered_in_order(void)
{
    struct communicator part;
    int color = whole.rank / PART, rest = whole.size - color * PART;
    CHECK(communicator_split(&whole, color, &part) == STATUS_OK);
    CHECK(part.rank == whole.rank % PART);
    CHECK(part.size == (rest < PART ? rest : PART));
    CHECK(part.world_rank == whole.rank);
    CHECK(part.n_nodes == 1 && part.node_size == part.size && part.node_rank == part.rank);
    communicator_release(&part);
    CHECK(part.mpi == NULL);
}

static void sums_and_broadcasts_stay_inside(void)
{
    struct communicator part;
    int color = whole.rank / PART;
    CHECK(communicator_split(&whole, color, &part) == STATUS_OK);
    int64_t ones = 1;
    int from_root = whole.rank;
    communicator_sum(&part, &ones, 1);
    communicator_broadcast(&part, &from_root, sizeof from_root);
    CHECK(ones == part.size);
    CHECK(from_root == color * PART);
    communicator_release(&part);
}

/* The last rank of the program fails: only its own part hears of it, with its number there. */
static void a_failure_stays_inside(void)
{
    struct communicator part;
    int last = whole.size - 1;
    CHECK(communicator_split(&whole, whole.rank / PART, &part) == STATUS_OK);
    status local = STATUS_OK;
    if (whole.rank == last)
        local = status_set(STATUS_USAGE, "a bad file");
    status agreed = communicator_agree(&part, local);
    bool is_concerned = whole.rank / PART == last / PART;
    CHECK(agreed == (is_concerned ? STATUS_USAGE : STATUS_OK));
    if (is_concerned && part.size > 1) {
        char start[32];
        snprintf(start, sizeof start, "rank %d on ", last);
        CHECK(strncmp(status_text(), start, strlen(start)) == 0);
    }
    communicator_wait(&whole);
    communicator_release(&part);
}

int main(int argc, char **argv)
{
    if (communicator_start(&argc, &argv, &whole) != STATUS_OK)
        return 1;
    MPI_TEST(ranks_are_numbered_in_order);
    MPI_TEST(sums_and_broadcasts_stay_inside);
    MPI_TEST(a_failure_stays_inside);
    communicator_stop(&whole);
    return mpi_test_worst;
}
