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

/* What the printed table shows of the settings: the members that are known of any. */
struct shown {
    const struct selection_member *member;
    const char *title;
};
enum { MOST_SHOWN = 7 };

static bool is_known(const struct sweep *sweep, const struct row *rows, const char *name)
{
    bool known = false;
    for (size_t s = 0; s < sweep->n_settings; s++)
        known |= isfinite(moments_of(&rows[s], name)->mean);
    return known;
}

/* Errors of held-out samples where there are some, else of the training samples. */
static size_t choose_shown(const struct sweep *sweep, const struct row *rows, bool has_valid,
                           struct shown shown[MOST_SHOWN])
{
    const struct {
        const char *name, *title;
        bool always, if_valid, unless_valid;
    } candidates[] = {{"nll_valid", "validation nll", true, false, false},
                      {"nll", "training nll", true, false, false},
                      {"accuracy_valid", "valid. accuracy", false, true, false},
                      {"rmse_valid", "valid. rmse", false, true, false},
                      {"accuracy", "train. accuracy", false, false, true},
                      {"rmse", "train. rmse", false, false, true},
                      {"bic", "BIC", true, false, false},
                      {"icl", "ICL", true, false, false}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates && n < MOST_SHOWN; i++) {
        bool fits = candidates[i].if_valid ? has_valid : !candidates[i].unless_valid || !has_valid;
        if (candidates[i].always || (fits && is_known(sweep, rows, candidates[i].name)))
            shown[n++] = (struct shown){find_member(candidates[i].name), candidates[i].title};
    }
    return n;
}

static void print_row(const struct sweep *sweep, const struct row *row, size_t rank,
                      const struct shown *shown, size_t n_shown)
{
    char setting[512], runs[64], line[512] = "", failed[64] = "";
    size_t used = 0;
    sweep_setting_text(sweep, row->setting, setting, sizeof setting);
    snprintf(runs, sizeof runs, "%zu/%ld", row->n_finished, sweep->options->seeds);
    for (size_t i = 0; i < n_shown; i++) {
        char text[64];
        moments_text(&row->moments[shown[i].member - selection_members], text, sizeof text);
        used += (size_t)snprintf(line + used, sizeof line - used, "%-18s  ", text);
    }
    if (row->n_failed > 0)
        snprintf(failed, sizeof failed, "  (%zu failed)", row->n_failed);
    log_info("%4zu  %-5s  %s%4.0f  %s%s", rank, runs, line,
             row->n_finished ? moments_of(row, "parameters")->mean : 0, setting, failed);
}

static void print(const struct sweep *sweep, const struct row *rows)
{
    size_t n_finished = 0, used = 0;
    struct shown shown[MOST_SHOWN];
    char head[512] = "";
    for (size_t s = 0; s < sweep->n_settings; s++)
        n_finished += rows[s].n_finished;
    bool has_valid = is_known(sweep, rows, "nll_valid");
    log_info("%zu of %zu run%s finished; %s", n_finished, sweep->n_runs,
             sweep->n_runs == 1 ? "" : "s",
             has_valid || n_finished == 0
                 ? "ranked by the nll of the validation samples, mean +- standard deviation"
                 : "ranked by BIC, mean +- standard deviation (no samples were held out: --valid)");
    size_t n_shown = choose_shown(sweep, rows, has_valid, shown);
    for (size_t i = 0; i < n_shown; i++)
        used += (size_t)snprintf(head + used, sizeof head - used, "%-18s  ", shown[i].title);
    log_info("%4s  %-5s  %s%4s  %s", "rank", "runs", head, "k", "setting");
    for (size_t s = 0; s < sweep->n_settings; s++)
        print_row(sweep, &rows[s], s + 1, shown, n_shown);
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
