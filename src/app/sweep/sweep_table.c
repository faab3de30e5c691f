/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/sweep/sweep_internal.h"

#include "base/fresh_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/csv/csv.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MEMBERS = 16, FAILURES_SHOWN = 10 };

/* Mean and standard deviation over the finished seeds; NAN where there are too few. */
struct moments {
    double mean, deviation;
};

struct row {
    size_t setting, n_finished, n_failed;
    struct moments moments[MOST_MEMBERS]; /* as selection_members */
};

/* What the table is ranked by: the held-out likelihood, else BIC. */
static const struct selection_member *find_member(const char *name)
{
    const struct selection_member *m = selection_members;
    while (m->name && strcmp(m->name, name) != 0)
        m++;
    return m;
}

static const struct moments *moments_of(const struct row *row, const char *name)
{
    return &row->moments[find_member(name) - selection_members];
}

static struct moments moments(const struct sweep_result *results, size_t n,
                              const struct selection_member *member)
{
    double sum = 0, squares = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (results[i].state == RUN_FINISHED) {
            sum += selection_get(&results[i].selection, member);
            count++;
        }
    double mean = count > 0 ? sum / (double)count : NAN;
    for (size_t i = 0; i < n; i++)
        if (results[i].state == RUN_FINISHED) {
            double difference = selection_get(&results[i].selection, member) - mean;
            squares += difference * difference;
        }
    return (struct moments){mean, count > 1 ? sqrt(squares / (double)(count - 1)) : NAN};
}

static void fill_row(const struct sweep_result *results, size_t n, struct row *row)
{
    for (size_t i = 0; i < n; i++) {
        row->n_finished += results[i].state == RUN_FINISHED;
        row->n_failed += results[i].state == RUN_FAILED;
    }
    for (const struct selection_member *m = selection_members; m->name; m++)
        row->moments[m - selection_members] = moments(results, n, m);
}

static double rank_key(const struct row *row)
{
    double valid = moments_of(row, "nll_valid")->mean;
    return isnan(valid) ? moments_of(row, "bic")->mean : valid;
}

/* Settings without a finished run come last; equals in the order of the grid. */
static int by_key(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    double x = rank_key(one), y = rank_key(other);
    if (isnan(x) != isnan(y))
        return isnan(x) ? 1 : -1;
    if (x != y && !isnan(x))
        return x < y ? -1 : 1;
    return one->setting < other->setting ? -1 : 1;
}

static void moments_text(const struct moments *moments, char *text, size_t size)
{
    if (isnan(moments->mean))
        snprintf(text, size, "-");
    else if (isnan(moments->deviation))
        snprintf(text, size, "%.5g", moments->mean);
    else
        snprintf(text, size, "%.5g +- %.2g", moments->mean, moments->deviation);
}

static void print_row(const struct sweep *sweep, const struct row *row, size_t rank, bool has_valid)
{
    char setting[512], runs[64], valid[64], train[64], bic[64], icl[64];
    sweep_setting_text(sweep, row->setting, setting, sizeof setting);
    snprintf(runs, sizeof runs, "%zu/%ld", row->n_finished, sweep->options->seeds);
    moments_text(moments_of(row, "nll_valid"), valid, sizeof valid);
    moments_text(moments_of(row, "nll"), train, sizeof train);
    moments_text(moments_of(row, "bic"), bic, sizeof bic);
    moments_text(moments_of(row, "icl"), icl, sizeof icl);
    char failed[64] = "";
    if (row->n_failed > 0)
        snprintf(failed, sizeof failed, "  (%zu failed)", row->n_failed);
    log_info("%4zu  %-5s  %-18s  %-18s  %-16s  %-16s  %4.0f  %s%s", rank, runs,
             has_valid ? valid : "-", train, bic, icl,
             row->n_finished ? moments_of(row, "parameters")->mean : 0, setting, failed);
}

static void print(const struct sweep *sweep, const struct row *rows)
{
    size_t n_finished = 0;
    bool has_valid = false;
    for (size_t s = 0; s < sweep->n_settings; s++) {
        n_finished += rows[s].n_finished;
        has_valid |= !isnan(moments_of(&rows[s], "nll_valid")->mean);
    }
    log_info("%zu of %zu run%s finished; %s", n_finished, sweep->n_runs,
             sweep->n_runs == 1 ? "" : "s",
             has_valid || n_finished == 0
                 ? "ranked by the nll of the validation samples, mean +- standard deviation"
                 : "ranked by BIC, mean +- standard deviation (no samples were held out: --valid)");
    log_info("%4s  %-5s  %-18s  %-18s  %-16s  %-16s  %4s  %s", "rank", "runs", "validation nll",
             "training nll", "BIC", "ICL", "k", "setting");
    for (size_t s = 0; s < sweep->n_settings; s++)
        print_row(sweep, &rows[s], s + 1, has_valid);
}

static void print_failures(const struct sweep *sweep, const struct sweep_result *results)
{
    size_t shown = 0, more = 0;
    for (size_t r = 0; r < sweep->n_runs; r++) {
        char name[512];
        if (results[r].state != RUN_FAILED)
            continue;
        if (shown == FAILURES_SHOWN) {
            more++;
            continue;
        }
        shown++;
        sweep_run_name(sweep, r, name, sizeof name);
        log_info("failed: %s: %s", name, results[r].message);
    }
    if (more > 0)
        log_info("... and %zu more", more);
}

static status write_head(const struct sweep *sweep, struct csv_writer *writer)
{
    static const char *const own[] = {"rank", "runs", "finished", "failed"};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof own / sizeof *own && outcome == STATUS_OK; i++)
        outcome = csv_writer_text(writer, own[i]);
    for (size_t a = 0; a < sweep->names.n && outcome == STATUS_OK; a++)
        outcome = csv_writer_text(writer, sweep->names.item[a]);
    for (const struct selection_member *m = selection_members; m->name && outcome == STATUS_OK;
         m++) {
        char name[64];
        snprintf(name, sizeof name, "%s_mean", m->name);
        outcome = csv_writer_text(writer, name);
        snprintf(name, sizeof name, "%s_sd", m->name);
        if (outcome == STATUS_OK)
            outcome = csv_writer_text(writer, name);
    }
    return outcome == STATUS_OK ? csv_writer_end_row(writer) : outcome;
}

static status write_number(struct csv_writer *writer, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    return csv_writer_text(writer, isfinite(value) ? text : "nan");
}

static status write_row(const struct sweep *sweep, const struct row *row, size_t rank,
                        struct csv_writer *writer)
{
    const double counts[] = {(double)rank, (double)sweep->options->seeds, (double)row->n_finished,
                             (double)row->n_failed};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && outcome == STATUS_OK; i++)
        outcome = write_number(writer, counts[i]);
    for (size_t a = 0; a < sweep->names.n && outcome == STATUS_OK; a++)
        outcome = csv_writer_text(writer, sweep_value(sweep, row->setting, a));
    for (const struct selection_member *m = selection_members; m->name && outcome == STATUS_OK;
         m++) {
        const struct moments *moments = &row->moments[m - selection_members];
        outcome = write_number(writer, moments->mean);
        if (outcome == STATUS_OK)
            outcome = write_number(writer, moments->deviation);
    }
    return outcome == STATUS_OK ? csv_writer_end_row(writer) : outcome;
}

static status write_csv(const struct sweep *sweep, const struct row *rows)
{
    char path[PATH_MAX];
    struct csv_writer *writer = NULL;
    struct fresh_file fresh;
    snprintf(path, sizeof path, "%s/table.csv", sweep->options->output);
    status outcome = fresh_file_begin(&fresh, path);
    if (outcome == STATUS_OK)
        outcome = csv_writer_create(fresh.unfinished, &writer);
    if (outcome == STATUS_OK)
        outcome = write_head(sweep, writer);
    for (size_t s = 0; s < sweep->n_settings && outcome == STATUS_OK; s++)
        outcome = write_row(sweep, &rows[s], s + 1, writer);
    outcome = csv_writer_close_after(&writer, outcome);
    return fresh_file_end(&fresh, FRESH_FILE_REPLACES, outcome);
}

status sweep_table(const struct sweep *sweep)
{
    struct sweep_result *results = NULL;
    struct row *rows = NULL;
    size_t n_seeds = (size_t)sweep->options->seeds;
    status outcome = memory_alloc(&results, sweep->n_runs, sizeof *results, "the table");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&rows, sweep->n_settings, sizeof *rows, "the table");
    for (size_t r = 0; r < sweep->n_runs && outcome == STATUS_OK; r++) {
        char path[PATH_MAX];
        sweep_run_path(sweep, r, path, sizeof path);
        sweep_result_read(path, &results[r]);
    }
    if (outcome == STATUS_OK) {
        for (size_t s = 0; s < sweep->n_settings; s++) {
            rows[s].setting = s;
            fill_row(results + s * n_seeds, n_seeds, &rows[s]);
        }
        qsort(rows, sweep->n_settings, sizeof *rows, by_key);
        print(sweep, rows);
        print_failures(sweep, results);
        outcome = write_csv(sweep, rows);
    }
    memory_free(&results);
    memory_free(&rows);
    return outcome;
}
