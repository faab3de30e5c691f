/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/exchange.h"

#include "communicator_mpi.h"
#include "exchange_window.h"

#include "base/memory.h"
#include "base/site.h"
#include "math/lanes.h"
#include "math/vector_math.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* A gather of each slot may be under way: until its end MPI reads its counts. */
struct exchange_requests {
    MPI_Request gather[2];
    int *counts[2], *offsets[2]; /* (size) */
};

static status allocate_requests(struct exchange *exchange)
{
    size_t size = (size_t)exchange->comm->size;
    status outcome =
        memory_alloc(&exchange->requests, 1, sizeof *exchange->requests, "the exchange");
    for (int slot = 0; slot < 2 && outcome == STATUS_OK; slot++) {
        outcome =
            memory_alloc(&exchange->requests->counts[slot], size, sizeof(int), "the exchange");
        if (outcome == STATUS_OK)
            outcome =
                memory_alloc(&exchange->requests->offsets[slot], size, sizeof(int), "the exchange");
    }
    return outcome;
}

static void release_requests(struct exchange *exchange)
{
    for (int slot = 0; slot < 2 && exchange->requests; slot++) {
        memory_free(&exchange->requests->counts[slot]);
        memory_free(&exchange->requests->offsets[slot]);
    }
    memory_free(&exchange->requests);
}

status exchange_init(struct exchange *exchange, const struct communicator *comm,
                     const struct shard *shard, size_t max_stride, size_t max_rows)
{
    memset(exchange, 0, sizeof *exchange);
    exchange->comm = comm;
    exchange->shard = *shard;
    exchange->n_local = shard_count(shard, comm->rank);
    exchange->max_stride = max_stride;
    exchange->max_rows = max_rows;
    COTERIE_ASSERT(shard->n_experts * max_stride <= INT_MAX);
    const size_t integers = max_rows * max_stride + 2;
    status outcome =
        communicator_agree(comm, memory_alloc(&exchange->bound, EXCHANGE_MAX_TERMS * max_stride,
                                              sizeof(real), "the exchange"));
    if (outcome == STATUS_OK)
        outcome = exchange_window_create(comm, shard, max_stride, integers, &exchange->window);
    if (outcome != STATUS_OK || exchange->window)
        return outcome;
    size_t at_root = comm->rank == 0 && comm->size > 1 ? shard->n_experts * max_stride : 0;
    size_t own = comm->size > 1 ? exchange->n_local * max_stride : 0;
    for (int slot = 0; slot < 2 && outcome == STATUS_OK; slot++) {
        outcome = memory_alloc(&exchange->gathered[slot], at_root, sizeof(real), "the exchange");
        if (outcome == STATUS_OK)
            outcome = memory_alloc(&exchange->scattered[slot], own, sizeof(real), "the exchange");
    }
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&exchange->fixed, integers, sizeof(int64_t), "the exchange");
    if (outcome == STATUS_OK)
        outcome = allocate_requests(exchange);
    return communicator_agree(comm, outcome);
}

void exchange_release(struct exchange *exchange)
{
    for (int slot = 0; slot < 2; slot++) {
        memory_free(&exchange->gathered[slot]);
        memory_free(&exchange->scattered[slot]);
    }
    memory_free(&exchange->fixed);
    memory_free(&exchange->bound);
    release_requests(exchange);
    exchange_window_destroy(&exchange->window);
}

/* How many reals each rank has of an (E, stride) array, and where they begin. */
static void set_counts(const struct exchange *exchange, size_t stride, int *counts, int *offsets)
{
    for (int r = 0; r < exchange->comm->size; r++) {
        counts[r] = (int)(shard_count(&exchange->shard, r) * stride);
        offsets[r] = (int)(shard_first(&exchange->shard, r) * stride);
    }
}

void exchange_gather_begin(struct exchange *exchange, int slot, size_t stride, real *own)
{
    const struct communicator_mpi *mpi = exchange->comm->mpi;
    exchange->result[slot] = own;
    if (exchange->comm->size == 1)
        return;
    site_enter(SITE_exchange_gather, stride * sizeof(real));
    if (exchange->window) {
        exchange->result[slot] = exchange_window_give(exchange->window, slot, stride, own);
    } else {
        int *counts = exchange->requests->counts[slot],
            *offsets = exchange->requests->offsets[slot];
        set_counts(exchange, stride, counts, offsets);
        exchange->result[slot] = exchange->gathered[slot];
        MPI_Igatherv(own, (int)(exchange->n_local * stride), MPI_REAL_TYPE,
                     exchange->gathered[slot], counts, offsets, MPI_REAL_TYPE, 0, mpi->world,
                     &exchange->requests->gather[slot]);
    }
    site_leave();
}

real *exchange_gather_end(struct exchange *exchange, int slot, size_t stride)
{
    if (exchange->comm->size == 1)
        return exchange->result[slot];
    site_enter(SITE_exchange_gather, stride * sizeof(real));
    if (exchange->window)
        exchange_window_take(exchange->window);
    else
        MPI_Wait(&exchange->requests->gather[slot], MPI_STATUS_IGNORE);
    site_leave();
    return exchange->comm->rank == 0 ? exchange->result[slot] : NULL;
}

real *exchange_gather(struct exchange *exchange, int slot, size_t stride, real *own)
{
    exchange_gather_begin(exchange, slot, stride, own);
    return exchange_gather_end(exchange, slot, stride);
}

real *exchange_scatter(struct exchange *exchange, int slot, size_t stride, real *all)
{
    const struct communicator_mpi *mpi = exchange->comm->mpi;
    if (exchange->comm->size == 1)
        return all;
    site_enter(SITE_exchange_scatter, stride * sizeof(real));
    if (exchange->window) {
        real *seen = exchange_window_scatter(exchange->window, slot, stride, all);
        site_leave();
        return seen;
    }
    set_counts(exchange, stride, mpi->counts, mpi->offsets);
    real *own = exchange->scattered[slot];
    MPI_Scatterv(all, mpi->counts, mpi->offsets, MPI_REAL_TYPE, own,
                 (int)(exchange->n_local * stride), MPI_REAL_TYPE, 0, mpi->world);
    site_leave();
    return own;
}

/* bound[i] = max |value| over the rows of sample i. */
LEAF_KERNEL static void find_largest_magnitudes(size_t n_rows, size_t stride,
                                                const real *restrict value, real *restrict bound)
{
    memset(bound, 0, stride * sizeof *bound);
    for (size_t row = 0; row < n_rows; row++) {
        const real *of_row = value + row * stride;
#pragma omp simd
        for (size_t i = 0; i < stride; i++) {
            real magnitude = real_abs(of_row[i]);
            bound[i] = magnitude > bound[i] ? magnitude : bound[i];
        }
    }
}

/* Bits of a product in fixed point: for a float, those of a double but for its sign and rounding.
 */
#ifdef COTERIE_DOUBLE
enum { PRODUCT_BITS = 62, LARGEST_SCALE = 1000, MANTISSA = 52, BIAS = 1023 };
typedef int64_t real_bits;
#else
enum { PRODUCT_BITS = 50, LARGEST_SCALE = 127, MANTISSA = 23, BIAS = 127 };
typedef int32_t real_bits;
#endif

/* The bits of a product, so that the sum of E of them fits. */
static int product_bits(size_t n_experts)
{
    int experts_exponent = 0;
    while (((size_t)1 << experts_exponent) < n_experts)
        experts_exponent++;
    return 62 - experts_exponent < PRODUCT_BITS ? 62 - experts_exponent : PRODUCT_BITS;
}

/*
 * In the place of each bound the power of two that turns products up to it into integers of `bits`
 * bits: 2^(bits - e) with bound < 2^e, by the bits of its exponent, so that the loop vectorises.
 * NaN for a bound that is not finite.
 */
LEAF_KERNEL static void bounds_to_scales(size_t n, int bits, real *bound)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        union {
            real number;
            real_bits bits;
        } v = {bound[i]};
        const real_bits exponent = v.bits >> MANTISSA;
        const real_bits s = bits + BIAS - 1 - exponent;
        v.bits = ((s < LARGEST_SCALE ? s : LARGEST_SCALE) + BIAS) << MANTISSA;
        bound[i] = exponent <= 2 * BIAS ? v.number : (real)NAN;
    }
}

typedef uint64_t integers __attribute__((vector_size(REAL_ALIGNMENT)));

/*
 * sum += llrint(v), in operations that every processor has for vectors: adding 1.5 * 2^52 to a
 * number below 2^51 rounds it to an integer and leaves that in the last bits, higher by those of
 * 1.5 * 2^52 (offset_of_rounded). For larger ones, up to 2^62, the upper and the lower 32 bits are
 * taken one after the other; what the upper ones leave is exact. `seen` collects the bits of the
 * exponent, which are others if v is no number.
 */
#define SHIFT 0x1.8p52

__attribute__((always_inline)) static inline void add_rounded(const doubles *v, integers *sum,
                                                              integers *seen)
{
    doubles last = *v;
#ifdef COTERIE_DOUBLE
    doubles upper = last * 0x1p-32 + SHIFT;
    last -= (upper - SHIFT) * 0x1p32;
    *sum += (integers)upper << 32;
#endif
    last += SHIFT;
    *sum += (integers)last;
    *seen |= (integers)last;
}

/* What add_rounded adds too much, each time. */
static uint64_t offset_of_rounded(void)
{
    const union {
        double number;
        uint64_t bits;
    } shift = {SHIFT};
#ifdef COTERIE_DOUBLE
    return (shift.bits << 32) + shift.bits;
#else
    return shift.bits;
#endif
}

/*
 * sum_k llrint(g_k value_k scale), scale (n). g and value of the next expert are g_step and
 * value_step further. Returns 0 unless a product is no number; the integers mean nothing then.
 */
LEAF_KERNEL static int64_t sum_fixed(size_t n_experts, size_t n, const real *scale, const real *g,
                                     size_t g_step, const real *value, size_t value_step,
                                     int64_t *sum)
{
    const integers zero = (integers){0} + offset_of_rounded() * n_experts;
    integers seen = (integers)((doubles){0} + SHIFT);
    for (size_t i = 0; i < n; i += REALS_PER_LINE) {
        integers total[LINE_PARTS] = {{0}};
        const line factor = *(const line *)(scale + i);
        for (size_t k = 0; k < n_experts; k++) {
            doubles v[LINE_PARTS];
            line product = *(const line *)(value + k * value_step + i) * factor *
                           *(const line *)(g + k * g_step + i);
            line_widen(&product, v);
            for (int part = 0; part < LINE_PARTS; part++)
                add_rounded(&v[part], &total[part], &seen);
        }
        for (int part = 0; part < LINE_PARTS; part++)
            ((integers *)(sum + i))[part] = total[part] - zero;
    }
    int64_t n_bad = 0;
    for (size_t lane = 0; lane < sizeof seen / sizeof seen[0]; lane++)
        n_bad += seen[lane] >> 52 != (uint64_t)0x433;
    return n_bad;
}

/* Line by line of samples, with one division for all rows. */
LEAF_KERNEL static void from_fixed(size_t n_rows, size_t stride, const real *restrict scale,
                                   const int64_t *restrict sum, real *restrict result)
{
    double unit[REALS_PER_LINE];
    for (size_t first = 0; first < stride; first += REALS_PER_LINE) {
        for (size_t i = 0; i < REALS_PER_LINE; i++)
            unit[i] = 1 / (double)scale[first + i];
        for (size_t row = 0; row < n_rows; row++) {
            const size_t at = row * stride + first;
#pragma omp simd
            for (size_t i = 0; i < REALS_PER_LINE; i++)
                result[at + i] = (real)((double)sum[at + i] * unit[i]);
        }
    }
}

/* This rank's bounds, for each sample, and whether the ranks have to agree on one of them. */
static void find_bounds(struct exchange *exchange, size_t stride, const struct exchange_term *terms,
                        int n_terms)
{
    exchange->unknown = false;
    for (int t = 0; t < n_terms; t++) {
        real *bound = exchange->bound + (size_t)t * stride;
        for (size_t i = 0; i < stride && terms[t].bound != 0; i++)
            bound[i] = (real)terms[t].bound;
        if (terms[t].bound == 0) {
            exchange->unknown = true;
            find_largest_magnitudes(exchange->n_local * terms[t].rows, stride, terms[t].value,
                                    bound);
        }
    }
}

void exchange_announce(struct exchange *exchange, size_t stride, const struct exchange_term *terms,
                       int n_terms)
{
    find_bounds(exchange, stride, terms, n_terms);
    exchange->announced = true;
    if (exchange->unknown && exchange->window)
        exchange_window_offer(exchange->window, exchange->bound, (size_t)n_terms * stride);
}

/* Leaves scales in the place of the bounds. */
static void agree_on_scales(struct exchange *exchange, size_t stride,
                            const struct exchange_term *terms, int n_terms)
{
    const size_t n = (size_t)n_terms * stride;
    if (!exchange->announced)
        find_bounds(exchange, stride, terms, n_terms);
    exchange->announced = false;
    if (exchange->unknown && exchange->window)
        exchange_window_max(exchange->window, exchange->bound, n);
    else if (exchange->unknown && exchange->comm->size > 1)
        communicator_max_reals(exchange->comm, exchange->bound, n);
    bounds_to_scales(n, product_bits(exchange->shard.n_experts), exchange->bound);
}

/* The sum over ranks; `own` is this rank's part, where window or exchange keep it. */
static const int64_t *sum_over_ranks(struct exchange *exchange, int64_t *own, size_t n)
{
    if (exchange->window)
        return exchange_window_sum(exchange->window, n);
    if (exchange->comm->size > 1)
        communicator_sum(exchange->comm, own, n);
    return own;
}

void exchange_combine(struct exchange *exchange, size_t stride, const real *g,
                      const struct exchange_term *terms, int n_terms)
{
    const real *scale = exchange->bound;
    site_enter(SITE_exchange_combine, stride * sizeof(int64_t));
    agree_on_scales(exchange, stride, terms, n_terms);
    size_t n_rows = 0;
    for (int t = 0; t < n_terms; t++)
        n_rows += terms[t].rows;
    COTERIE_ASSERT(n_rows <= exchange->max_rows && stride <= exchange->max_stride);
    int64_t *own = exchange->window ? exchange_window_partial(exchange->window) : exchange->fixed;

    int64_t *sum = own, n_bad = 0;
    for (int t = 0; t < n_terms; t++)
        for (size_t row = 0; row < terms[t].rows; row++, sum += stride)
            n_bad += sum_fixed(exchange->n_local, stride, scale + (size_t)t * stride, g, stride,
                               terms[t].value + row * stride, terms[t].rows * stride, sum);
    sum[0] = exchange->raise;
    sum[1] = n_bad;
    const int64_t *total = sum_over_ranks(exchange, own, n_rows * stride + 2);
    exchange->raised = total[n_rows * stride];
    n_bad = total[n_rows * stride + 1];
    site_leave();

    for (int t = 0; t < n_terms; t++) {
        from_fixed(terms[t].rows, stride, scale + (size_t)t * stride, total, terms[t].result);
        total += terms[t].rows * stride;
    }
    for (int t = 0; t < n_terms && n_bad > 0; t++)
        for (size_t i = 0; i < terms[t].rows * stride; i++)
            terms[t].result[i] = NAN;
}
