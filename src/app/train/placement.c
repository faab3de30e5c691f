/* SPDX-License-Identifier: BSD-3-Clause */
/* --placement measured: how fast the ranks are, and which experts each gets. */
#include "app/train/train_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "math/blas.h"

#include <math.h>

enum { SIZE = 384, LEAST_PRODUCTS = 5 };

/* Local. Products per second of this rank: the best of a few, while all others measure too. */
static status products_per_second(const struct communicator *comm, double *speed)
{
    const double seconds_to_spend = 0.05;
    real *matrices = NULL;
    status outcome = memory_alloc(&matrices, (size_t)3 * SIZE * SIZE, sizeof(real), "matrices");
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    const real *a = matrices, *b = matrices + SIZE * SIZE;
    double best = INFINITY, began = clock_seconds();
    for (int i = 0; i < LEAST_PRODUCTS || clock_seconds() - began < seconds_to_spend; i++) {
        double before = clock_seconds();
        blas_gemm(BLAS_PLAIN, BLAS_PLAIN, SIZE, SIZE, SIZE, a, SIZE, b, SIZE, 0,
                  matrices + 2 * SIZE * SIZE, SIZE);
        best = fmin(best, clock_seconds() - before);
    }
    memory_free(&matrices);
    *speed = 1 / best;
    return STATUS_OK;
}

/*
 * Root. Relative to the fastest, in steps of an eighth of a power of two: what differs less is
 * taken for noise. The ranks with the same place in several replicas must have the same experts, so
 * the slowest of them counts.
 */
static void compare(double *speed, int n_places, int n_ranks)
{
    double fastest = 0;
    for (int r = 0; r < n_ranks; r++) {
        speed[r % n_places] = fmin(speed[r % n_places], speed[r]);
        fastest = fmax(fastest, speed[r]);
    }
    for (int place = 0; place < n_places; place++)
        speed[place] = exp2(round(8 * log2(speed[place] / fastest)) / 8);
}

static void show(const double *speed, int n_places)
{
    double slowest = 1;
    int which = 0;
    for (int place = 0; place < n_places; place++)
        if (speed[place] < slowest) {
            slowest = speed[place];
            which = place;
        }
    if (slowest < 1)
        log_info("speed    measured; rank %d is the slowest, with %.0f %% of the fastest", which,
                 100 * slowest);
    else
        log_info("speed    measured; all ranks are equally fast");
}

status placement_shard(const struct training *training, struct shard *shard)
{
    const struct model_config *model = &training->problem.model;
    status outcome =
        shard_init(shard, model->n_experts, training->comm->size / training->config.replicas,
                   training->options->root_experts, model_gate_in_experts(model));
    if (outcome == STATUS_OK && training->firsts) {
        shard->firsts = training->firsts;
        shard->on_root = training->firsts[1];
    }
    return outcome;
}

status placement_measure(struct training *training)
{
    const struct communicator *comm = training->comm;
    const struct model_config *model = &training->problem.model;
    int n_places = comm->size / training->config.replicas;
    double own = 1, *speed = NULL;
    size_t *firsts = NULL;
    struct shard shard;
    status outcome = products_per_second(comm, &own);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&speed, (size_t)comm->size, sizeof *speed, "speeds of ranks");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&firsts, (size_t)n_places + 1, sizeof *firsts, "speeds of ranks");
    if (outcome == STATUS_OK)
        outcome = placement_shard(training, &shard);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK) {
        COTERIE_ASSERT(speed && firsts);
        communicator_gather(comm, &own, speed, sizeof own);
        if (comm->rank == 0) {
            compare(speed, n_places, comm->size);
            show(speed, n_places);
        }
        communicator_broadcast(comm, speed, (size_t)n_places * sizeof *speed);
        shard_deal_by_speed(&shard, speed, model_gate_in_experts(model),
                            training->options->root_experts >= 0, firsts);
        training->firsts = firsts;
    }
    if (outcome != STATUS_OK)
        memory_free(&firsts);
    memory_free(&speed);
    return outcome;
}
