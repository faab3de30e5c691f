/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"
#include "app/train/train.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/message.h"
#include "base/real.h"
#include "base/status.h"
#include "base/string_list.h"
#include "checkpoint/checkpoint.h"
#include "comm/communicator.h"
#include "comm/watchdog.h"
#include "data/hdf5/hdf5_file.h"
#include "data/hdf5/hdf5_probe.h"
#include "math/blas.h"
#include "math/gemm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static void print_version(void)
{
    char mpi[128], hdf5[32];
    communicator_library(mpi, sizeof mpi);
    hdf5_version(hdf5, sizeof hdf5);
    const char *name = sizeof(real) == sizeof(double) ? "coterie_d" : "coterie";
    const char *revision = *COTERIE_REVISION ? COTERIE_REVISION : "unknown";
    printf("%s %s\n", name, COTERIE_VERSION);
    printf("revision   %s\n", revision);
    printf("precision  %s\n", REAL_NAME);
    printf("MPI        %s\n", mpi);
    printf("BLAS       %s, kernel %s\n", blas_version(), blas_kernel());
    printf("blocks     %s\n", gemm_library());
    printf("HDF5       %s\n", hdf5);
    printf("compiler   %s\n", COMPILER);
}

static status unknown_command(const char *word)
{
    struct string_list names = {0};
    status outcome = STATUS_OK;
    for (int c = 0; c < N_COMMANDS && outcome == STATUS_OK; c++)
        outcome = string_list_add(&names, command_table[c]->name);
    for (int i = 0; i < 2 && outcome == STATUS_OK; i++)
        outcome = string_list_add(&names, i == 0 ? "--help" : "--version");
    if (outcome == STATUS_OK) {
        const char *nearest = string_list_nearest(&names, word);
        const char *what = *word == '-' ? "option" : "command";
        if (nearest)
            outcome =
                status_set(STATUS_USAGE, "unknown %s %s; did you mean %s?", what, word, nearest);
        else if (*word == '-')
            outcome = status_set(STATUS_USAGE, "%s must follow a command, as in `coterie train %s`",
                                 word, word);
        else
            outcome = status_set(STATUS_USAGE,
                                 "unknown command %s; `coterie --help` lists the commands", word);
    }
    string_list_release(&names);
    return outcome;
}

/* Root. Reads the command line; *options stay uninitialised if it is answered here. */
static status read_request(int argc, char **argv, struct options *options)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (argc < 2)
        return status_set(STATUS_USAGE, "no command; `coterie --help` lists the commands");
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        options_print_overview(stdout);
        return STATUS_OK;
    }
    if (strcmp(word, "--version") == 0) {
        print_version();
        return STATUS_OK;
    }
    int command = command_find(word);
    if (command < 0)
        return unknown_command(word);
    bool help = false;
    status outcome = options_init(options, (enum command)command);
    if (outcome == STATUS_OK)
        outcome = options_parse(options, argc - 1, argv + 1, &help);
    if (outcome == STATUS_OK && help)
        options_print_help((enum command)command, stdout);
    if (outcome != STATUS_OK || help)
        options_release(options);
    return outcome;
}

/* Collective. */
static status run(const struct communicator *comm, int argc, char **argv)
{
    struct options options = {0};
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = read_request(argc, argv, &options);
    outcome = options_share(comm, outcome, &options);
    if (outcome == STATUS_OK && options.is_set) {
        log_set_quiet(options.quiet);
        if (!options.one_rank && (COMMANDS_ON_RANKS & 1u << options.command))
            outcome = launcher_check(&comm->launcher, comm->size);
        if (outcome == STATUS_OK)
            outcome = command_table[options.command]->run(comm, &options);
    }
    options_release(&options);
    /* All is done and on disk: what is lost is only what was said. */
    if (outcome == STATUS_OK)
        outcome = communicator_agree(comm, comm->rank == 0 ? log_check_output() : STATUS_OK);
    return outcome;
}

/* Until --hang-timeout is read, and for the commands that have no such option; in seconds. */
static double first_hang_timeout(void)
{
    const char *text = getenv("COTERIE_HANG_TIMEOUT");
    return text ? atof(text) : 600;
}

/* Collective. Rank 0's environment counts: launchers do not hand it on to all hosts alike. */
static status start_watching(struct communicator *comm)
{
    double timeout = first_hang_timeout();
    communicator_broadcast(comm, &timeout, sizeof timeout);
    return watchdog_start(comm, timeout);
}

int main(int argc, char **argv)
{
    clock_start();
    message_name_options(true);
    if (argc == 3 && strcmp(argv[1], HDF5_PROBE_COMMAND) == 0)
        return hdf5_probe_walk(argv[2]);
    struct communicator comm;
    /* A closed pipe (train | head) is an error of writing, and no reason to lose a run. */
    signal(SIGPIPE, SIG_IGN);
    hdf5_probe_enable(checkpoint_is_sealed);
    int command = argc > 1 ? command_find(argv[1]) : -1;
    if (command >= 0 && command_table[command]->stops_on_request)
        train_catch_requests();
    status outcome = communicator_start(&argc, &argv, &comm);
    blas_use_one_thread();
    if (outcome == STATUS_OK)
        outcome = start_watching(&comm);
    if (outcome == STATUS_OK)
        outcome = run(&comm, argc, argv);
    if (outcome == STATUS_STOPPED)
        log_info("%s", status_text());
    else if (outcome != STATUS_OK)
        log_error("%s", status_text());
    watchdog_stop(&comm);
    communicator_stop(&comm);
    return (int)outcome;
}
