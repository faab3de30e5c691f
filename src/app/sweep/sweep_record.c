/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/sweep/sweep_internal.h"

#include "app/options/option_entry.h"
#include "app/train/begun_in.h"
#include "base/fresh_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/loop/run_directory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is said now, and the folder in which the record was written; see begun_in.h. */
struct merging {
    struct options *options;
    char folder[PATH_MAX];
};

/* What changes no result may change, and so may the runs that there are: those of before stay. */
static bool may_change(const struct option_entry *entry)
{
    return (entry->traits & (OPTION_NO_RESULT | OPTION_OF_SWEEP)) != 0;
}

static status merge_option(const struct option_entry *entry, const char *recorded, void *context)
{
    const struct merging *merging = context;
    struct options *options = merging->options;
    char found[PATH_MAX];
    bool is_file = (entry->traits & OPTION_FILE) != 0;
    if (entry->traits & OPTION_OF_THIS_TIME)
        return STATUS_OK;
    /* From another folder the same words may be another file. */
    if (is_file && begun_in_matters(recorded) &&
        begun_in_find(merging->folder, recorded, found, sizeof found))
        recorded = found;
    if (!options_is_set(options, entry->name))
        return *recorded ? options_set(options, entry->name, recorded, "sweep.yaml") : STATUS_OK;
    const char *said = options_value(options, entry->name);
    if (entry->kind == KIND_GRID && strcmp(said, recorded) != 0)
        log_info(
            "grid     has changed: runs of other settings stay in %s/runs but are not in the table",
            options->output);
    if (may_change(entry) || strcmp(said, recorded) == 0)
        return STATUS_OK;
    if (is_file && begun_in_same_file(said, recorded))
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "--%s is %s, but the sweep in %s was begun with %s; leave the option out to "
                      "continue, or choose another --output",
                      entry->name, said, options->output, *recorded ? recorded : "none");
}

status sweep_record_merge(struct options *options, bool *exists)
{
    char path[PATH_MAX];
    struct options recorded;
    struct merging merging = {.options = options};
    snprintf(path, sizeof path, "%s/sweep.yaml", options->output);
    *exists = access(path, F_OK) == 0;
    if (!*exists && run_directory_holds_run(options->output))
        return status_set(STATUS_USAGE,
                          "%s holds a single run, not a sweep; choose another --output",
                          options->output);
    if (!*exists)
        return STATUS_OK;
    begun_in_read(path, merging.folder, sizeof merging.folder);
    status outcome = options_init(&recorded, COMMAND_SWEEP);
    if (outcome == STATUS_OK)
        outcome = options_read_yaml(&recorded, path);
    if (outcome == STATUS_OK)
        outcome = options_visit(&recorded, merge_option, &merging);
    options_release(&recorded);
    return outcome;
}

/* Puts an option of this time back to its default, so that --config does not bring it up again. */
static status forget_option(const struct option_entry *entry, const char *value, void *context)
{
    struct options *options = context;
    const char *key = entry->name;
    (void)value;
    if (!(entry->traits & OPTION_OF_THIS_TIME) || !options_is_set(options, key))
        return STATUS_OK;
    struct options fresh;
    status outcome = options_init(&fresh, COMMAND_SWEEP);
    if (outcome == STATUS_OK)
        outcome = options_set(options, key, options_value(&fresh, key), "default");
    options_release(&fresh);
    return outcome;
}

status sweep_record_write(const struct options *options)
{
    char path[PATH_MAX], *text = NULL;
    struct options copy = {0};
    struct fresh_file file;
    snprintf(path, sizeof path, "%s/sweep.yaml", options->output);
    status outcome = run_directory_make_folder(options->output);
    if (outcome == STATUS_OK)
        outcome = options_to_text(options, &text);
    if (outcome == STATUS_OK)
        outcome = options_from_text(&copy, text);
    memory_free(&text);
    if (outcome == STATUS_OK)
        outcome = options_visit(options, forget_option, &copy);
    /* Tasks of a job array may be here at the same time: each has a file of its own. */
    if (outcome == STATUS_OK)
        outcome = fresh_file_open(&file, path);
    if (outcome == STATUS_OK)
        outcome = fresh_file_publish(&file, begun_in_write(&copy, file.stream));
    options_release(&copy);
    return outcome;
}
