/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_rates.h"

#include "base/clock.h"
#include "base/memory.h"

#include <limits.h>
#include <math.h>
#include <mpi.h>

enum { SIZES = 6, STREAM = 64, TAG = 17 };

/* Bytes: from a single number to the log-likelihoods of a thousand experts. */
static const int message_bytes[SIZES] = {8, 1 << 10, 8 << 10, 64 << 10, 512 << 10, 4 << 20};

/* Rank 0 and `peer`. One way, half of the way there and back; the shortest of many. */
static double one_way(int rank, int peer, char *buffer, int bytes)
{
    double best = 1e300;
    int repeats = 20 + 300 / (1 + bytes / 4096);
    for (int i = 0; i < repeats; i++) {
        double before = clock_seconds();
        if (rank == 0) {
            MPI_Send(buffer, bytes, MPI_BYTE, peer, TAG, MPI_COMM_WORLD);
            MPI_Recv(buffer, bytes, MPI_BYTE, peer, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(buffer, bytes, MPI_BYTE, 0, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(buffer, bytes, MPI_BYTE, 0, TAG, MPI_COMM_WORLD);
        }
        double seconds = clock_seconds() - before;
        best = seconds < best ? seconds : best;
    }
    return best / 2;
}

/* From one small message to the next when the receiver takes many in a row. */
static double between_messages(int rank, int peer, char *buffer)
{
    MPI_Request request[STREAM];
    MPI_Status ended[STREAM]; /* gcc warns of MPICH's MPI_STATUSES_IGNORE */
    double best = 1e300;
    for (int repeat = 0; repeat < 100; repeat++) {
        double before = clock_seconds();
        for (int i = 0; i < STREAM; i++)
            if (rank == 0)
                MPI_Irecv(buffer + 8 * i, 8, MPI_BYTE, peer, TAG, MPI_COMM_WORLD, &request[i]);
            else
                MPI_Isend(buffer + 8 * i, 8, MPI_BYTE, 0, TAG, MPI_COMM_WORLD, &request[i]);
        MPI_Waitall(STREAM, request, ended);
        double seconds = (clock_seconds() - before) / STREAM;
        best = seconds < best ? seconds : best;
    }
    return best;
}

/*
 * t = latency + bytes / bandwidth by least squares of the relative error, so that small messages
 * count as much as large ones.
 */
static void fit_line(const double *seconds, struct cost_link *link)
{
    double s = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int i = 0; i < SIZES; i++) {
        double x = message_bytes[i], y = seconds[i], w = 1 / (y * y);
        s += w;
        sx += w * x;
        sy += w * y;
        sxx += w * x * x;
        sxy += w * x * y;
    }
    double slope = (s * sxy - sx * sy) / (s * sxx - sx * sx);
    double latency = (sy - slope * sx) / s;
    link->latency = latency > 0 ? latency : seconds[0];
    link->bandwidth = slope > 0 ? 1 / slope : INFINITY;
}

/* Collective. The link between rank 0 and `peer`; zeros if there is none. */
static void measure_link(const struct communicator *comm, int peer, char *buffer,
                         struct cost_link *link)
{
    double seconds[SIZES];
    *link = (struct cost_link){0};
    if (peer < comm->size && (comm->rank == 0 || comm->rank == peer)) {
        for (int i = 0; i < SIZES; i++)
            seconds[i] = one_way(comm->rank, peer, buffer, message_bytes[i]);
        link->overhead = between_messages(comm->rank, peer, buffer);
        fit_line(seconds, link);
    }
    communicator_broadcast(comm, link, sizeof *link);
}

status network_measure(const struct communicator *comm, struct cost_rates *rates)
{
    char *buffer = NULL;
    status outcome = memory_alloc(&buffer, (size_t)message_bytes[SIZES - 1], 1, "messages");
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    int is_neighbour = comm->rank > 0 && comm->node == 0, is_elsewhere = comm->node > 0;
    int peers[2] = {is_neighbour ? comm->rank : INT_MAX, is_elsewhere ? comm->rank : INT_MAX};
    if (comm->size > 1) /* one process alone has not started MPI */
        MPI_Allreduce(MPI_IN_PLACE, peers, 2, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    measure_link(comm, peers[0], buffer, &rates->inside);
    measure_link(comm, peers[1], buffer, &rates->between);
    memory_free(&buffer);
    return STATUS_OK;
}
