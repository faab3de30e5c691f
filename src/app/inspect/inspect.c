/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect_internal.h"

#include "app/options/command.h"
#include "app/options/options.h"
#include "checkpoint/checkpoint.h"
#include "data/hdf5/hdf5_file.h"

#include <sys/stat.h>

/* Whether the file says that it is a checkpoint. A damaged one cannot be opened. */
static status is_checkpoint(const char *path, bool *answer)
{
    struct hdf5_file *file = NULL;
    *answer = false;
    if (!hdf5_is_hdf5(path))
        return STATUS_OK;
    status outcome = hdf5_open(path, &file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_is_one(file, answer);
    return hdf5_close_after(&file, outcome);
}

/* Root. */
static status inspect(const struct options *options)
{
    const char *path = options->positional.item[0];
    struct stat about;
    bool checkpoint;
    if (options->json)
        return inspect_json(path);
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return inspect_run(path, options->verify);
    status outcome = is_checkpoint(path, &checkpoint);
    if (outcome != STATUS_OK) /* HDF5 guards its own structures by checksums, too */
        return options->verify ? STATUS_FAILED : outcome;
    return checkpoint ? inspect_checkpoint(path, options->verify) : inspect_data(path, options);
}

/* Collective. */
static status run_inspect(const struct communicator *comm, struct options *options)
{
    status outcome = comm->rank == 0 ? inspect(options) : STATUS_OK;
    return communicator_agree(comm, outcome);
}

const struct command_entry inspect_command = {
    .name = "inspect",
    .positional = {"PATH"},
    .usage = "coterie inspect PATH [options]",
    .summary = "shows what a data file, checkpoint or run directory holds",
    .examples = "  coterie inspect builtin:vowels\n"
                "  coterie inspect wine.csv --targets quality\n"
                "  coterie inspect run --verify\n",
    .run = run_inspect,
};
