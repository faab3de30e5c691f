/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/sweep/sweep_internal.h"

#include "app/options/option_entry.h"
#include "base/memory.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_FOLDER = 200, FOLDER_SIZE = 512, MOST_RUNS = 1000000 };

const char *sweep_value(const struct sweep *sweep, size_t setting, size_t axis)
{
    for (size_t a = sweep->names.n - 1; a > axis; a--)
        setting /= sweep->values[a].n;
    return sweep->values[axis].item[setting % sweep->values[axis].n];
}

void sweep_setting_text(const struct sweep *sweep, size_t setting, char *text, size_t size)
{
    size_t used = 0;
    snprintf(text, size, "%s", sweep->names.n ? "" : "no grid");
    for (size_t a = 0; a < sweep->names.n && used < size; a++)
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s", a ? " " : "",
                                 sweep->names.item[a], sweep_value(sweep, setting, a));
}

/* The setting as a name of a folder: what may hurt in one becomes "_". */
static status add_folder(struct sweep *sweep, size_t setting)
{
    char name[FOLDER_SIZE];
    sweep_setting_text(sweep, setting, name, sizeof name);
    if (strlen(name) > LONGEST_FOLDER)
        return status_set(STATUS_USAGE,
                          "--grid: the setting '%.60s...' is too long for the name of a folder; "
                          "use shorter names of files, or fewer options",
                          name);
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("=.,:+-", *at))
            *at = '_';
    if (string_list_find(&sweep->folders, name) >= 0)
        return status_set(STATUS_USAGE,
                          "--grid: two settings would have the same folder, %s; use other names of "
                          "files",
                          name);
    return string_list_add(&sweep->folders, name);
}

status sweep_init(struct sweep *sweep, const struct options *options)
{
    *sweep = (struct sweep){.options = options, .n_settings = 1};
    status outcome = options_grid(options, &sweep->names, &sweep->values);
    for (size_t a = 0; a < sweep->names.n && outcome == STATUS_OK; a++) {
        sweep->n_settings *= sweep->values[a].n;
        sweep->n_runs = sweep->n_settings * (size_t)options->seeds;
        if (sweep->n_runs > MOST_RUNS)
            outcome = status_set(STATUS_USAGE,
                                 "--grid: more than %d runs; try fewer values, or several sweeps",
                                 MOST_RUNS);
    }
    sweep->n_runs = sweep->n_settings * (size_t)options->seeds;
    for (size_t s = 0; s < sweep->n_settings && outcome == STATUS_OK; s++)
        outcome = add_folder(sweep, s);
    return outcome;
}

void sweep_release(struct sweep *sweep)
{
    for (size_t a = 0; sweep->values && a < sweep->names.n; a++)
        string_list_release(&sweep->values[a]);
    memory_free(&sweep->values);
    string_list_release(&sweep->names);
    string_list_release(&sweep->folders);
}

static unsigned long long seed_of(const struct sweep *sweep, size_t run)
{
    return sweep->options->seed + run % (size_t)sweep->options->seeds;
}

void sweep_run_name(const struct sweep *sweep, size_t run, char *name, size_t size)
{
    snprintf(name, size, "%s-s%llu", sweep->folders.item[run / (size_t)sweep->options->seeds],
             seed_of(sweep, run));
}

void sweep_run_path(const struct sweep *sweep, size_t run, char *path, size_t size)
{
    char name[FOLDER_SIZE];
    sweep_run_name(sweep, run, name, sizeof name);
    snprintf(path, size, "%s/runs/%s", sweep->options->output, name);
}

struct copying {
    const struct sweep *sweep;
    struct options *to;
};

/* Options given to the sweep are given to the run; the rest is the default, or the checkpoint's. */
static status copy_option(const struct option_entry *entry, const char *value, void *context)
{
    struct copying *copying = context;
    if ((entry->traits & OPTION_OF_SWEEP) || !*value ||
        !options_is_set(copying->sweep->options, entry->name))
        return STATUS_OK;
    return options_set(copying->to, entry->name, value, "sweep");
}

status sweep_run_options(const struct sweep *sweep, size_t run, struct options *options)
{
    struct copying copying = {sweep, options};
    char path[PATH_MAX], seed[32];
    size_t setting = run / (size_t)sweep->options->seeds;
    sweep_run_path(sweep, run, path, sizeof path);
    snprintf(seed, sizeof seed, "%llu", seed_of(sweep, run));
    const struct {
        const char *key, *value;
    } own[] = {{"output", path}, {"seed", seed}, {"resume", "auto"}, {"progress", "never"}};
    status outcome = options_init(options, COMMAND_TRAIN);
    if (outcome == STATUS_OK)
        outcome = options_visit(sweep->options, copy_option, &copying);
    for (size_t a = 0; a < sweep->names.n && outcome == STATUS_OK; a++)
        outcome =
            options_set(options, sweep->names.item[a], sweep_value(sweep, setting, a), "--grid");
    for (size_t i = 0; i < sizeof own / sizeof *own && outcome == STATUS_OK; i++)
        outcome = options_set(options, own[i].key, own[i].value, "sweep");
    return outcome;
}
