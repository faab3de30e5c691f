/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"

#include "app/problem/columns.h"
#include "app/problem/data_request.h"
#include "convert_internal.h"

#include "base/fresh_file.h"
#include "base/log.h"
#include "data/formats/formats.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The formats that can be written, by the ending of the name. */
static const struct writer {
    const char *ending;
    status (*write)(struct source *source, const char *path);
    /* How to read the file that was made, where the defaults would read it otherwise; or NULL. */
    void (*hint)(const struct source *source, char *hint, size_t size);
} writers[] = {{".csv", convert_to_csv, convert_csv_hint},
               {".h5", convert_to_hdf5, NULL},
               {".hdf5", convert_to_hdf5, NULL}};

static const struct writer *writer_for(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof writers / sizeof *writers; i++)
        if (strcasecmp(dot, writers[i].ending) == 0)
            return &writers[i];
    return NULL;
}

static status check_target(const char *path)
{
    if (!writer_for(path))
        return status_set(STATUS_USAGE,
                          "%s: the ending of the name decides the format: use .h5, .hdf5 or .csv",
                          path);
    if (access(path, F_OK) == 0)
        return status_set(STATUS_USAGE, "%s: exists already; remove it or choose another name",
                          path);
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    if (access(dirname(folder), W_OK) != 0)
        return status_set(STATUS_USAGE, "%s: its folder cannot be written to: %s", path,
                          strerror(errno));
    return STATUS_OK;
}

/* The file appears under its name when it is whole, and nothing is left of one that is not. */
static status write_whole(struct source *source, const char *path)
{
    struct fresh_file fresh;
    status outcome = fresh_file_begin(&fresh, path);
    if (outcome == STATUS_OK)
        outcome = writer_for(path)->write(source, fresh.unfinished);
    return fresh_file_end(&fresh, FRESH_FILE_IS_NEW, outcome);
}

static void say_what_was_written(const struct source *source, const char *path)
{
    const struct source_info *info = source_info(source);
    char targets[384] = "no targets", names[200], hint[512] = "";
    /* By name: by default the last column of a file of inputs would become the target. */
    string_list_join(&info->target_names, names, sizeof names);
    if (info->has_labels)
        snprintf(targets, sizeof targets, "labels of %zu classes (%s)", info->classes.n, names);
    else if (info->n_targets > 0)
        snprintf(targets, sizeof targets, "%zu target%s (%s)", info->n_targets,
                 info->n_targets == 1 ? "" : "s", names);
    if (writer_for(path)->hint)
        writer_for(path)->hint(source, hint, sizeof hint);
    log_info("%s: %zu samples, %zu input%s, %s%s%s", path, info->n, info->n_inputs,
             info->n_inputs == 1 ? "" : "s", targets, *hint ? "; name its columns with" : "", hint);
}

/* Root. */
static status convert(const struct options *options)
{
    const char *from = options->positional.item[0], *to = options->positional.item[1];
    const struct string_list none = {0};
    struct source_request request = data_request(options, from);
    struct source *source = NULL;
    /* Inputs may be missing in the other file, too. */
    request.gaps = SOURCE_GAPS_IN_INPUTS;
    request.codes_gaps = true;
    request.gap_columns = &none;
    status outcome = check_target(to);
    if (outcome == STATUS_OK)
        outcome = source_open(&request, &source);
    if (outcome != STATUS_OK)
        return outcome;
    const struct source_info *info = source_info(source);
    if (info->n_incomplete > 0)
        outcome = status_set(STATUS_USAGE, "%s; correct it or remove the row",
                             info->warnings.item[info->warnings.n - 1]);
    else
        columns_tell(options, source);
    if (outcome == STATUS_OK)
        outcome = write_whole(source, to);
    if (outcome == STATUS_OK)
        say_what_was_written(source, to);
    source_close(&source);
    return outcome;
}

/* Collective. */
static status run_convert(const struct communicator *comm, struct options *options)
{
    status outcome = comm->rank == 0 ? convert(options) : STATUS_OK;
    return communicator_agree(comm, outcome);
}

const struct command_entry convert_command = {
    .name = "convert",
    .positional = {"IN", "OUT"},
    .usage = "coterie convert IN OUT [options]",
    .summary = "turns CSV into HDF5 and HDF5 into CSV",
    .examples = "  coterie convert wine.csv wine.h5 --targets quality\n"
                "  coterie convert wine.h5 wine.csv\n"
                "  coterie convert builtin:vowels vowels.csv\n",
    .run = run_convert,
};
