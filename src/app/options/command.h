/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_OPTIONS_COMMAND_H
#define COTERIE_APP_OPTIONS_COMMAND_H

#include "base/status.h"

#include <stdbool.h>

/*
 * The commands: how to add one is in docs/develop/add-a-command.md. Each has its row, a
 * `struct command_entry`, in its own room; `coterie --help` lists them in this order.
 */
#define COMMANDS(_)                                                                                \
    _(TRAIN, train)                                                                                \
    _(EVALUATE, evaluate)                                                                          \
    _(SUMMARY, summary)                                                                            \
    _(PREDICT, predict)                                                                            \
    _(INSPECT, inspect)                                                                            \
    _(CONVERT, convert)                                                                            \
    _(EXPORT, export)                                                                              \
    _(REPORT, report)                                                                              \
    _(COMPARE, compare)                                                                            \
    _(WATCH, watch)                                                                                \
    _(BENCH, bench)                                                                                \
    _(DOCTOR, doctor)                                                                              \
    _(SWEEP, sweep)                                                                                \
    _(SUBMIT, submit)

#define COMMAND_NUMBER(NAME, name) COMMAND_##NAME,
enum command { COMMANDS(COMMAND_NUMBER) N_COMMANDS };

/* Commands that have options in common, each as a bit: which options, options_table.c says. */
#define COMMAND_BIT(NAME, name) COMMAND_BIT_##NAME = 1 << COMMAND_##NAME,
enum command_group {
    COMMANDS(COMMAND_BIT) COMMANDS_ALL = (1 << N_COMMANDS) - 1,
    COMMANDS_OF_TRAINING = COMMAND_BIT_TRAIN | COMMAND_BIT_SWEEP,
    COMMANDS_WITH_COLUMNS = COMMANDS_OF_TRAINING | COMMAND_BIT_INSPECT |
                            COMMAND_BIT_CONVERT, /* inputs and targets in a file */
    COMMANDS_WITH_WEIGHTS =                      /* and groups of samples */
    COMMANDS_WITH_COLUMNS | COMMAND_BIT_EVALUATE | COMMAND_BIT_SUMMARY,
    COMMANDS_WITH_MODEL = COMMAND_BIT_EVALUATE | COMMAND_BIT_SUMMARY | COMMAND_BIT_PREDICT,
    COMMANDS_WITH_SAMPLES = COMMANDS_OF_TRAINING | COMMANDS_WITH_MODEL,
    /* They share their work out to ranks; the others mean nothing else if started twice. */
    COMMANDS_ON_RANKS = COMMANDS_WITH_SAMPLES | COMMAND_BIT_BENCH
};

struct communicator; /* comm/communicator.h */
struct options;      /* options.h */

struct command_entry {
    const char *name;
    const char *positional[2]; /* what each positional word is; NULL: there is none */
    const char *required[2];   /* options without which the command can do nothing */
    const char *usage;
    const char *summary;   /* one line */
    const char *examples;  /* lines of text */
    bool takes_rest;       /* any number of words more: a command line of its own */
    bool stops_on_request; /* signals ask it to save and stop: they are caught before MPI starts */
    /*
     * Collective: every rank calls it with the same options and gets the same status; the text of
     * a failure is printed by the caller.
     */
    status (*run)(const struct communicator *comm, struct options *options);
};

#define COMMAND_ROW(NAME, name) extern const struct command_entry name##_command;
COMMANDS(COMMAND_ROW)

/* By number; commands.c has it, above the rooms of all commands. Local. */
extern const struct command_entry *const command_table[N_COMMANDS];

/* The command of this name, or -1. Local. */
int command_find(const char *name);

#endif
