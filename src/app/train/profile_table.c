/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/profile_table.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/*
 * Collective. Moves what this rank spent in each collective phase beyond the least of all ranks,
 * round by round, to PHASE_WAITING.
 */
static void split_waiting(const struct communicator *comm, double seconds[N_PHASES], double *least)
{
    size_t n;
    const double *own = profile_collective_rounds(&n);
    for (int c = 0; c < PROFILE_N_COLLECTIVE; c++)
        for (size_t i = 0; i < n; i++)
            least[(size_t)c * n + i] = -own[(size_t)c * PROFILE_ROUNDS + i];
    communicator_max(comm, least, PROFILE_N_COLLECTIVE * n);
    for (int c = 0; c < PROFILE_N_COLLECTIVE; c++) {
        double waiting = 0;
        for (size_t i = 0; i < n; i++)
            waiting += own[(size_t)c * PROFILE_ROUNDS + i] + least[(size_t)c * n + i];
        seconds[profile_collective_phase(c)] -= waiting;
        seconds[PHASE_WAITING] += waiting;
    }
}

status profile_table_gather(const struct communicator *comm, struct profile_table *table)
{
    double seconds[N_PHASES], *least = NULL;
    memset(table, 0, sizeof *table);
    profile_read(seconds);
    table->n_ranks = comm->size;
    status outcome = memory_alloc(&least, (size_t)PROFILE_N_COLLECTIVE * PROFILE_ROUNDS,
                                  sizeof *least, "a profile");
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = memory_alloc(&table->seconds, (size_t)comm->size * N_PHASES, sizeof(double),
                               "a profile");
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK) {
        split_waiting(comm, seconds, least);
        communicator_gather(comm, seconds, table->seconds, sizeof seconds);
    }
    memory_free(&least);
    return outcome;
}

void profile_table_release(struct profile_table *table)
{
    memory_free(&table->seconds);
}

struct spread {
    double least, mean, most;
    int slowest;
};

static struct spread spread_of(const struct profile_table *table, enum phase phase)
{
    struct spread spread = {table->seconds[phase], 0, table->seconds[phase], 0};
    for (int r = 0; r < table->n_ranks; r++) {
        double seconds = table->seconds[(size_t)r * N_PHASES + (size_t)phase];
        spread.mean += seconds / table->n_ranks;
        if (seconds < spread.least)
            spread.least = seconds;
        if (seconds > spread.most) {
            spread.most = seconds;
            spread.slowest = r;
        }
    }
    return spread;
}

/* All phases of a rank, or all but waiting. */
static double total_of(const struct profile_table *table, int rank, bool with_waiting)
{
    double total = 0;
    for (int p = 0; p < N_PHASES; p++)
        if (p != PHASE_WAITING || with_waiting)
            total += table->seconds[(size_t)rank * N_PHASES + (size_t)p];
    return total;
}

static double mean_total(const struct profile_table *table)
{
    double total = 0;
    for (int r = 0; r < table->n_ranks; r++)
        total += total_of(table, r, true) / table->n_ranks;
    return total;
}

void profile_table_print(const struct profile_table *table, double scale, const char *unit)
{
    double total = mean_total(table);
    log_info("phase, %-11s %10s %10s %10s %7s  slowest rank", unit, "min", "mean", "max", "share");
    for (int p = 0; p < N_PHASES; p++) {
        struct spread spread = spread_of(table, (enum phase)p);
        if (spread.most <= 0)
            continue;
        log_info("%-18s %10.4g %10.4g %10.4g %5.1f %%  %d", profile_name((enum phase)p),
                 scale * spread.least, scale * spread.mean, scale * spread.most,
                 total > 0 ? 100 * spread.mean / total : 0, spread.slowest);
    }
    log_info("%-18s %10s %10.4g", "in all", "", scale * total);
}

/* The phases by their share, largest first, as far as they are worth a word. */
static void list_shares(const struct profile_table *table, char *text, size_t size)
{
    const double least_share = 0.005;
    double total = mean_total(table);
    bool said[N_PHASES] = {false};
    size_t used = 0;
    text[0] = '\0';
    for (;;) {
        int largest = -1;
        double share = least_share;
        for (int p = 0; p < N_PHASES; p++) {
            double own = total > 0 ? spread_of(table, (enum phase)p).mean / total : 0;
            if (!said[p] && own > share) {
                share = own;
                largest = p;
            }
        }
        if (largest < 0 || used >= size)
            return;
        said[largest] = true;
        used += (size_t)snprintf(text + used, size - used, "%s%s %.0f %%", used ? ", " : "",
                                 profile_name((enum phase)largest), 100 * share);
    }
}

void profile_table_print_short(const struct profile_table *table)
{
    char text[400];
    list_shares(table, text, sizeof text);
    log_info("time     %s%s", text, table->n_ranks > 1 ? " (means over ranks)" : "");
    if (table->n_ranks == 1)
        return;
    int busiest = 0, idlest = 0;
    for (int r = 1; r < table->n_ranks; r++) {
        double work = total_of(table, r, false);
        busiest = work > total_of(table, busiest, false) ? r : busiest;
        idlest = work < total_of(table, idlest, false) ? r : idlest;
    }
    log_info(
        "         rank %d worked longest (%.0f %% of its time), rank %d waited most (%.0f %%); "
        "--profile says more",
        busiest, 100 * total_of(table, busiest, false) / total_of(table, busiest, true), idlest,
        100 * (1 - total_of(table, idlest, false) / total_of(table, idlest, true)));
}
