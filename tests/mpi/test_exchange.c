/* SPDX-License-Identifier: BSD-3-Clause */
/* What crosses ranks in a step: with 7 experts, which no tested number of ranks but 1 divides. */
#include "mpi_test.h"

#include "base/memory.h"
#include "base/rng.h"
#include "comm/exchange.h"
#include "comm/shared_memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_EXPERTS = 7, STRIDE = 2 * REALS_PER_LINE, N_ROWS = 3 };

static struct communicator comm;
static struct shard shard;
static struct exchange exchange;

static real *reals(size_t n)
{
    real *values;
    CHECK(memory_alloc(&values, n, sizeof(real), "test") == STATUS_OK);
    return values;
}

/* A number that depends on where it stands only. */
static real number_at(size_t e, size_t row, size_t i)
{
    struct rng rng;
    rng_init(&rng, 3, RNG_SPLIT, (uint32_t)(e * N_ROWS + row), (uint32_t)i);
    return (real)(20 * rng_uniform(&rng) - 10);
}

static real share_at(size_t e, size_t i)
{
    return (real)(1 + (e + i) % 3) / (real)21;
}

static void gather_puts_experts_in_order(void)
{
    size_t n_local = exchange.n_local, first = shard_first(&shard, comm.rank);
    real *own = reals(n_local * STRIDE);
    for (size_t k = 0; k < n_local; k++)
        for (size_t i = 0; i < STRIDE; i++)
            own[k * STRIDE + i] = number_at(first + k, 0, i);
    real *all = exchange_gather(&exchange, 0, STRIDE, own);
    CHECK((all != NULL) == (comm.rank == 0));
    for (size_t e = 0; all && e < N_EXPERTS; e++)
        for (size_t i = 0; i < STRIDE; i++)
            CHECK(all[e * STRIDE + i] == number_at(e, 0, i));
    real *back = exchange_scatter(&exchange, 1, STRIDE, all);
    CHECK(memcmp(back, own, n_local * STRIDE * sizeof(real)) == 0);
    memory_free(&own);
}

/* The root begins last, and with messages that are too long to be sent before it asks for them. */
static void a_gather_begins_without_the_root(void)
{
    enum { LONG = 1 << 16 };
    struct exchange large;
    MPI_Comm others;
    size_t n_local = exchange.n_local, first = shard_first(&shard, comm.rank);
    real *own[2] = {reals(n_local * LONG), reals(n_local * LONG)};
    MPI_Comm_dup(MPI_COMM_WORLD, &others);
    CHECK(exchange_init(&large, &comm, &shard, LONG, 1) == STATUS_OK);
    for (size_t n = 0; n < n_local * LONG; n++)
        for (int slot = 0; slot < 2; slot++)
            own[slot][n] = (real)(slot * N_EXPERTS) + (real)(first + n / LONG);
    for (int roots = 0; roots < 2; roots++) {
        for (int slot = 0; slot < 2 && (comm.rank == 0) == roots; slot++)
            exchange_gather_begin(&large, slot, LONG, own[slot]);
        MPI_Barrier(others);
    }
    for (int slot = 0; slot < 2; slot++) {
        const real *all = exchange_gather_end(&large, slot, LONG);
        CHECK((all != NULL) == (comm.rank == 0));
        for (size_t n = 0; all && n < N_EXPERTS * LONG; n++)
            CHECK(all[n] == (real)(slot * N_EXPERTS) + (real)(n / LONG));
        memory_free(&own[slot]);
    }
    exchange_release(&large);
    MPI_Comm_free(&others);
}

static void fill(real *g, real *value)
{
    size_t first = shard_first(&shard, comm.rank);
    for (size_t k = 0; k < exchange.n_local; k++)
        for (size_t i = 0; i < STRIDE; i++) {
            g[k * STRIDE + i] = share_at(first + k, i);
            for (size_t row = 0; row < N_ROWS; row++)
                value[(k * N_ROWS + row) * STRIDE + i] = number_at(first + k, row, i);
        }
}

/* Against a sum that one process makes in long double. */
static void combine_sums_over_all_experts(void)
{
    real *g = reals(exchange.n_local * STRIDE);
    real *value = reals(exchange.n_local * N_ROWS * STRIDE), *result = reals(N_ROWS * STRIDE);
    const double accuracy = sizeof(real) == sizeof(double) ? 1e-15 : 1e-6;
    fill(g, value);
    for (int bounded = 0; bounded < 2; bounded++) {
        struct exchange_term term = {value, N_ROWS, bounded ? 10 : 0, result};
        exchange_combine(&exchange, STRIDE, g, &term, 1);
        for (size_t row = 0; row < N_ROWS; row++)
            for (size_t i = 0; i < STRIDE; i++) {
                long double sum = 0;
                for (size_t e = 0; e < N_EXPERTS; e++)
                    sum += (long double)share_at(e, i) * (long double)number_at(e, row, i);
                CHECK(fabsl(sum - (long double)result[row * STRIDE + i]) < 10 * accuracy);
            }
    }
    memory_free(&g);
    memory_free(&value);
    memory_free(&result);
}

/* One process computes what all ranks together must give to the last bit. */
static void combine_does_not_depend_on_the_ranks(void)
{
    real *g = reals(exchange.n_local * STRIDE);
    real *value = reals(exchange.n_local * N_ROWS * STRIDE), *result = reals(N_ROWS * STRIDE);
    fill(g, value);
    struct exchange_term term = {value, N_ROWS, 10, result};
    exchange_combine(&exchange, STRIDE, g, &term, 1);
    /* 10 < 2^4 and 7 experts <= 2^3: s = 62 - 4 - 3; for floats 50 - 4. */
    const double scale = ldexp(1, sizeof(real) == sizeof(double) ? 55 : 46);
    for (size_t row = 0; row < N_ROWS; row++)
        for (size_t i = 0; i < STRIDE; i++) {
            int64_t sum = 0;
            for (size_t e = 0; e < N_EXPERTS; e++) {
                real product = share_at(e, i) * number_at(e, row, i);
                sum += llrint((double)product * scale);
            }
            CHECK(result[row * STRIDE + i] == (real)((double)sum / scale));
        }
    memory_free(&g);
    memory_free(&value);
    memory_free(&result);
}

/* As in a step: a gather and a scatter, then the combined output. */
static void combine_once(real *g, const struct exchange_term *term, bool announces)
{
    if (announces)
        exchange_announce(&exchange, STRIDE, term, 1);
    real *all = exchange_gather(&exchange, 0, STRIDE, g);
    exchange_scatter(&exchange, 0, STRIDE, all);
    exchange_combine(&exchange, STRIDE, g, term, 1);
}

/*
 * The largest value is that of the last expert. Announced, it goes with the gather; the next
 * combine is not announced, and a bound that is remembered would be too small for it.
 */
static void what_is_announced_holds_once(void)
{
    size_t first = shard_first(&shard, comm.rank), n_local = exchange.n_local;
    real *g = reals(n_local * STRIDE), *result = reals(N_ROWS * STRIDE);
    real *value = reals(n_local * N_ROWS * STRIDE);
    const double accuracy = sizeof(real) == sizeof(double) ? 1e-15 : 1e-6;
    for (int announces = 1; announces >= 0; announces--) {
        const real factor = announces ? 1024 : 16777216;
        struct exchange_term term = {value, N_ROWS, 0, result};
        fill(g, value);
        for (size_t i = 0; n_local > 0 && first + n_local == N_EXPERTS && i < N_ROWS * STRIDE; i++)
            value[(n_local - 1) * N_ROWS * STRIDE + i] *= factor;
        combine_once(g, &term, announces);
        for (size_t row = 0; row < N_ROWS; row++)
            for (size_t i = 0; i < STRIDE; i++) {
                long double sum = 0;
                for (size_t e = 0; e < N_EXPERTS; e++)
                    sum += (long double)share_at(e, i) * (long double)number_at(e, row, i) *
                           (e + 1 == N_EXPERTS ? (long double)factor : 1);
                CHECK(fabsl(sum - (long double)result[row * STRIDE + i]) <
                      10 * accuracy * (double)factor);
            }
    }
    memory_free(&g);
    memory_free(&value);
    memory_free(&result);
}

/* Expert outputs of one sample are far off: the digits of the samples beside it stay. */
static void a_far_sample_spoils_no_other(void)
{
    real *g = reals(exchange.n_local * STRIDE);
    real *value = reals(exchange.n_local * N_ROWS * STRIDE), *result = reals(N_ROWS * STRIDE);
    const double accuracy = sizeof(real) == sizeof(double) ? 1e-14 : 1e-5;
    enum { FAR = 5 };
    fill(g, value);
    for (size_t k = 0; k < exchange.n_local * N_ROWS; k++)
        value[k * STRIDE + FAR] *= (real)1e25;
    for (int announces = 0; announces < 2; announces++) {
        struct exchange_term term = {value, N_ROWS, 0, result};
        combine_once(g, &term, announces);
        for (size_t row = 0; row < N_ROWS; row++)
            for (size_t i = 0; i < STRIDE; i++) {
                long double sum = 0, factor = i == FAR ? (long double)1e25 : 1;
                for (size_t e = 0; e < N_EXPERTS; e++)
                    sum += (long double)share_at(e, i) * (long double)number_at(e, row, i);
                CHECK(fabsl(factor * sum - (long double)result[row * STRIDE + i]) <
                      (long double)accuracy * factor);
            }
    }
    memory_free(&g);
    memory_free(&value);
    memory_free(&result);
}

static void infinite_values_give_nan(void)
{
    real *g = reals(exchange.n_local * STRIDE);
    real *value = reals(exchange.n_local * N_ROWS * STRIDE), *result = reals(N_ROWS * STRIDE);
    fill(g, value);
    if (exchange.n_local > 0 && comm.rank == comm.size - 1)
        value[5] = INFINITY;
    struct exchange_term term = {value, N_ROWS, 0, result};
    exchange_combine(&exchange, STRIDE, g, &term, 1);
    CHECK(isnan(result[0]));
    memory_free(&g);
    memory_free(&value);
    memory_free(&result);
}

static void a_request_of_one_rank_reaches_all(void)
{
    real *g = reals(exchange.n_local * STRIDE);
    real *value = reals(exchange.n_local * N_ROWS * STRIDE), *result = reals(N_ROWS * STRIDE);
    struct exchange_term term = {value, N_ROWS, 1, result};
    exchange_combine(&exchange, STRIDE, g, &term, 1);
    CHECK(exchange.raised == 0);
    exchange.raise = comm.rank == comm.size - 1;
    exchange_combine(&exchange, STRIDE, g, &term, 1);
    CHECK(exchange.raised == 1);
    exchange.raise = 0;
    memory_free(&g);
    memory_free(&value);
    memory_free(&result);
}

/* As in training, where the root still reads loglik when the others are in the next forward pass,
 * and ranks are late in turn. */
static void a_late_reader_still_finds_its_numbers(void)
{
    enum { ROUNDS = 60 };
    size_t n_local = exchange.n_local, first = shard_first(&shard, comm.rank);
    real *own = reals(n_local * STRIDE), *result = reals(STRIDE), *all = reals(N_EXPERTS * STRIDE);
    real *g = reals(n_local * STRIDE);
    for (size_t n = 0; n < n_local * STRIDE; n++)
        g[n] = (real)1 / N_EXPERTS;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t k = 0; k < n_local; k++)
            for (size_t i = 0; i < STRIDE; i++)
                own[k * STRIDE + i] = (real)(round * N_EXPERTS) + (real)(first + k);
        const real *seen = exchange_gather(&exchange, 0, STRIDE, own);
        for (size_t n = 0; seen && n < N_EXPERTS * STRIDE; n++)
            all[n] = seen[n] + 1;
        const real *back = exchange_scatter(&exchange, 0, STRIDE, all);
        struct exchange_term term = {own, 1, 0, result};
        exchange_combine(&exchange, STRIDE, g, &term, 1);
        if (round % comm.size == comm.rank)
            usleep(200);
        for (size_t n = 0; seen && n < N_EXPERTS * STRIDE; n++)
            CHECK(seen[n] == (real)(round * N_EXPERTS) + (real)(n / STRIDE));
        for (size_t n = 0; n < n_local * STRIDE; n++)
            CHECK(back[n] == own[n] + 1);
        memset(own, 0, n_local * STRIDE * sizeof(real));
    }
    memory_free(&own);
    memory_free(&g);
    memory_free(&result);
    memory_free(&all);
}

static void failures_are_agreed_on(void)
{
    int last = comm.size - 1;
    CHECK(communicator_agree(&comm, STATUS_OK) == STATUS_OK);
    status own = STATUS_OK;
    if (comm.rank == last)
        own = status_set(STATUS_USAGE, "something is wrong here");
    CHECK(communicator_agree(&comm, own) == STATUS_USAGE);
    CHECK(strstr(status_text(), "something is wrong here") != NULL);
    char name[32];
    snprintf(name, sizeof name, "rank %d on ", last);
    CHECK((strstr(status_text(), name) != NULL) == (last > 0));
}

static void hosts_share_one_copy(void)
{
    struct shared_memory memory;
    CHECK(shared_memory_create(&comm, 1000 * sizeof(double), &memory) == STATUS_OK);
    double *values = memory.base;
    CHECK((uintptr_t)values % REAL_ALIGNMENT == 0);
    for (int i = 0; i < 1000 && comm.rank == 0; i++)
        values[i] = sqrt(i);
    shared_memory_publish(&comm, &memory);
    for (int i = 0; i < 1000; i++)
        CHECK(values[i] == sqrt(i));
    shared_memory_release(&memory);
}

static void texts_are_broadcast(void)
{
    char *text = comm.rank == 0 ? memory_strdup("a text of rank 0") : NULL;
    CHECK(communicator_broadcast_text(&comm, &text) == STATUS_OK);
    CHECK(text && strcmp(text, "a text of rank 0") == 0);
    memory_free(&text);
    CHECK(communicator_broadcast_text(&comm, &text) == STATUS_OK);
    CHECK(text == NULL);
}

int main(int argc, char **argv)
{
    status outcome = communicator_start(&argc, &argv, &comm);
    CHECK(outcome == STATUS_OK);
    CHECK(shard_init(&shard, N_EXPERTS, comm.size, -1, 0.5) == STATUS_OK);
    for (int messages = 0; messages <= 1; messages++) {
        setenv("COTERIE_EXCHANGE", messages ? "messages" : "", 1);
        CHECK(exchange_init(&exchange, &comm, &shard, STRIDE, N_ROWS) == STATUS_OK);
        CHECK((exchange.window != NULL) == (comm.size > 1 && !messages));
        MPI_TEST(gather_puts_experts_in_order);
        MPI_TEST(a_gather_begins_without_the_root);
        MPI_TEST(combine_sums_over_all_experts);
        MPI_TEST(combine_does_not_depend_on_the_ranks);
        MPI_TEST(what_is_announced_holds_once);
        MPI_TEST(a_far_sample_spoils_no_other);
        MPI_TEST(infinite_values_give_nan);
        MPI_TEST(a_request_of_one_rank_reaches_all);
        MPI_TEST(a_late_reader_still_finds_its_numbers);
        exchange_release(&exchange);
    }
    MPI_TEST(failures_are_agreed_on);
    MPI_TEST(hosts_share_one_copy);
    MPI_TEST(texts_are_broadcast);
    communicator_stop(&comm);
    return mpi_test_worst;
}
