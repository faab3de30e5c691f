/* SPDX-License-Identifier: BSD-3-Clause */
#include "exchange_window.h"

#include "base/memory.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reserves room for `count` elements at *at, on a line of its own. */
static size_t reserve(size_t *at, size_t count, size_t size)
{
    size_t first = *at;
    *at += (count * size + REAL_ALIGNMENT - 1) / REAL_ALIGNMENT * REAL_ALIGNMENT;
    return first;
}

/* Lays out the window's parts from `base` (NULL: only the size is wanted); returns its bytes. */
static size_t lay_out(struct exchange_window *window, char *base)
{
    size_t ranks = (size_t)window->size, at = 0;
    size_t flags = reserve(&at, ranks, sizeof *window->flags);
    size_t bounds = reserve(&at, 2 * ranks * window->most_bounds, sizeof(real));
    size_t largest = reserve(&at, 2 * window->most_bounds, sizeof(real));
    size_t gathered = reserve(&at, 4 * window->block, sizeof(real));
    size_t scattered = reserve(&at, 4 * window->block, sizeof(real));
    size_t partial = reserve(&at, 2 * ranks * window->most, sizeof(int64_t));
    size_t sum = reserve(&at, window->most, sizeof(int64_t));
    if (base) {
        window->flags = (void *)(base + flags);
        window->bounds = (void *)(base + bounds);
        window->largest = (void *)(base + largest);
        window->gathered = (void *)(base + gathered);
        window->scattered = (void *)(base + scattered);
        window->partial = (void *)(base + partial);
        window->sum = (void *)(base + sum);
    }
    return at;
}

static bool messages_are_better(const struct communicator *comm, size_t bytes)
{
    const size_t most_bytes = (size_t)64 << 20;
    const char *wanted = getenv("COTERIE_EXCHANGE");
    int refuses = (wanted && strcmp(wanted, "messages") == 0) || bytes > most_bytes;
    communicator_broadcast(comm, &refuses, sizeof refuses);
    return refuses;
}

status exchange_window_create(const struct communicator *comm, const struct shard *shard,
                              size_t max_stride, size_t max_integers, struct exchange_window **out)
{
    *out = NULL;
    if (comm->size == 1 || comm->n_nodes > 1)
        return STATUS_OK;
    const size_t per_line = REAL_ALIGNMENT / sizeof(int64_t);
    struct exchange_window shape = {.rank = comm->rank,
                                    .size = comm->size,
                                    .shard = *shard,
                                    .yields = comm->ranks_on_host > sysconf(_SC_NPROCESSORS_ONLN),
                                    .most_bounds = EXCHANGE_MAX_TERMS * max_stride,
                                    .block = shard->n_experts * max_stride,
                                    .most = (max_integers + per_line - 1) / per_line * per_line};
    size_t bytes = lay_out(&shape, NULL);
    if (messages_are_better(comm, bytes))
        return STATUS_OK;
    struct exchange_window *window;
    status outcome = memory_alloc(&window, 1, sizeof *window, "the exchange");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&shape.own_sum, shape.most, sizeof(int64_t), "the exchange");
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK) {
        *window = shape;
        outcome = shared_memory_create(comm, bytes, &window->memory);
    }
    if (outcome != STATUS_OK) {
        memory_free(&shape.own_sum);
        memory_free(&window);
        return outcome;
    }
    lay_out(window, window->memory.base);
    atomic_store(&window->flags[window->rank].turn, 0);
    communicator_barrier(comm); /* no flag is read before it is set */
    *out = window;
    return STATUS_OK;
}

void exchange_window_destroy(struct exchange_window **window)
{
    if (*window) {
        shared_memory_release(&(*window)->memory);
        memory_free(&(*window)->own_sum);
    }
    memory_free(window);
}

static void arrive(struct exchange_window *window)
{
    atomic_store_explicit(&window->flags[window->rank].turn, window->turn, memory_order_release);
}

static void wait_for(const struct exchange_window *window, int rank)
{
    const int patience = window->yields ? 0 : 5000; /* looks before the processor is given away */
    for (int looks = 0;
         atomic_load_explicit(&window->flags[rank].turn, memory_order_acquire) < window->turn;) {
        if (looks < patience)
            looks++;
        else
            sched_yield();
    }
}

static void wait_for_all(const struct exchange_window *window)
{
    for (int r = 0; r < window->size; r++)
        wait_for(window, r);
}

static real *bounds_of(const struct exchange_window *window, int rank)
{
    size_t place = window->maxima % 2 * (size_t)window->size + (size_t)rank;
    return window->bounds + place * window->most_bounds;
}

static real *largest_of_all(const struct exchange_window *window)
{
    return window->largest + window->maxima % 2 * window->most_bounds;
}

void exchange_window_offer(struct exchange_window *window, const real *values, size_t n)
{
    memcpy(bounds_of(window, window->rank), values, n * sizeof *values);
    window->offered = n;
}

LEAF_KERNEL static void raise_to(size_t n, const real *restrict other, real *restrict largest)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        largest[i] = other[i] > largest[i] ? other[i] : largest[i];
}

/* Of what all ranks have offered. */
static void find_largest(const struct exchange_window *window, size_t n, real *largest)
{
    memcpy(largest, bounds_of(window, 0), n * sizeof *largest);
    for (int r = 1; r < window->size; r++)
        raise_to(n, bounds_of(window, r), largest);
}

real *exchange_window_give(struct exchange_window *window, int slot, size_t stride, const real *own)
{
    real *all = window->gathered + ((size_t)slot * 2 + window->gathers[slot]++ % 2) * window->block;
    memcpy(all + shard_first(&window->shard, window->rank) * stride, own,
           shard_count(&window->shard, window->rank) * stride * sizeof(real));
    window->turn++;
    arrive(window);
    return all;
}

void exchange_window_take(struct exchange_window *window)
{
    if (window->rank != 0)
        return;
    wait_for_all(window);
    if (window->offered)
        find_largest(window, window->offered, largest_of_all(window));
}

real *exchange_window_scatter(struct exchange_window *window, int slot, size_t stride, real *all)
{
    real *place =
        window->scattered + ((size_t)slot * 2 + window->scatters[slot]++ % 2) * window->block;
    window->turn++;
    if (window->rank == 0) {
        /* The root's own experts are the first. */
        size_t own = shard_count(&window->shard, 0) * stride;
        memcpy(place + own, all + own, (window->shard.n_experts * stride - own) * sizeof(real));
        arrive(window);
        return all;
    }
    wait_for(window, 0);
    return place + shard_first(&window->shard, window->rank) * stride;
}

void exchange_window_max(struct exchange_window *window, real *values, size_t n)
{
    if (window->offered) {
        /* The root's scatter came after it had found them. */
        memcpy(values, largest_of_all(window), n * sizeof *values);
    } else {
        exchange_window_offer(window, values, n);
        window->turn++;
        arrive(window);
        wait_for_all(window);
        find_largest(window, n, values);
    }
    window->offered = 0;
    window->maxima++;
}

static int64_t *partial_of(const struct exchange_window *window, size_t rank)
{
    return window->partial + (window->sums % 2 * (size_t)window->size + rank) * window->most;
}

int64_t *exchange_window_partial(const struct exchange_window *window)
{
    return partial_of(window, (size_t)window->rank);
}

/* Without sign: what stands for products that are no numbers may be beyond 2^63, and is not read.
 */
LEAF_KERNEL static void add_integers(size_t n, const int64_t *restrict term, int64_t *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] = (int64_t)((uint64_t)sum[i] + (uint64_t)term[i]);
}

/* Adds up integers first .. first+n-1 of all ranks. */
static void add_up(const struct exchange_window *window, size_t first, size_t n, int64_t *sum)
{
    memcpy(sum + first, partial_of(window, 0) + first, n * sizeof(int64_t));
    for (size_t r = 1; r < (size_t)window->size; r++)
        add_integers(n, partial_of(window, r) + first, sum + first);
}

const int64_t *exchange_window_sum(struct exchange_window *window, size_t n)
{
    const size_t few = 16384;
    size_t rank = (size_t)window->rank, ranks = (size_t)window->size;
    window->turn++;
    arrive(window);
    wait_for_all(window);
    if (n * ranks <= few) { /* all for itself: one turn less */
        add_up(window, 0, n, window->own_sum);
        window->sums++;
        return window->own_sum;
    }
    size_t first = n * rank / ranks;
    add_up(window, first, n * (rank + 1) / ranks - first, window->sum);
    window->sums++;
    window->turn++;
    arrive(window);
    wait_for_all(window);
    return window->sum;
}
