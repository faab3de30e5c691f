/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_OPTIONS_H
#define COTERIE_APP_OPTIONS_H

#include "app/options/command.h"
#include "base/log.h"
#include "base/status.h"
#include "base/string_list.h"
#include "data/samples/scaler.h"
#include "model/likelihood/likelihood.h"
#include "model/network/mlp.h"
#include "model/objective.h"
#include "train/feed/samples.h"
#include "train/loop/trainer.h"
#include "train/step/optimizer.h"
#include "train/step/schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The options of all commands. One table in options_table.c makes the parser, --help, the keys of
 * the YAML file and the record in the run directory and in checkpoints.
 */

enum task { TASK_AUTO, TASK_REGRESSION, TASK_CLASSIFICATION };
enum output_choice { OUTPUT_CHOICE_AUTO = -1 };         /* else enum output_kind */
enum likelihood_choice { LIKELIHOOD_CHOICE_AUTO = -1 }; /* else enum likelihood_kind */
enum precision { PRECISION_FLOAT, PRECISION_BF16 };
enum placement { PLACEMENT_EVEN, PLACEMENT_MEASURED };
enum missing_choice { MISSING_AUTO, MISSING_REFUSE, MISSING_DROP };
enum { AUTO_OFF, AUTO_ON };
enum interval_unit { INTERVAL_NONE, INTERVAL_EPOCHS, INTERVAL_STEPS, INTERVAL_MINUTES };

enum data_part { PART_ALL, PART_TRAIN, PART_VALID, PART_TRAINED };

/* Widths of hidden layers; n = 0 for "none". */
struct widths {
    size_t n, width[MLP_MAX_HIDDEN];
};

struct options {
    enum command command;
    struct string_list positional; /* what is neither an option nor its value */

    char *data, *inputs, *exclude, *categories, *targets, *group, *weight,
        *valid; /* NULL: not said */
    enum missing_choice missing;
    enum data_part part;
    enum task task;
    enum scaling scaling;
    double scale_number; /* for SCALING_NUMBER */

    char *gate_inputs, *expert_inputs; /* NULL: all */
    char *offset;                      /* NULL: none */
    long experts, committee;
    enum gate_choice gate;
    struct gate_levels gate_levels;
    struct widths expert_hidden, gate_hidden;
    enum activation activation;
    enum precision precision;
    int expert_output; /* enum output_kind or OUTPUT_CHOICE_AUTO */
    enum error_kind error;
    long top_k; /* 0: all */
    double balance_weight, entropy_weight;
    int likelihood; /* enum likelihood_kind or LIKELIHOOD_CHOICE_AUTO */
    bool variance_is_learned, variance_is_unseen;
    double variance;
    bool freedom_is_learned;
    double freedom;

    int automatic; /* AUTO_OFF or AUTO_ON, as asked for: see app/auto/auto.c */
    long effort;
    enum optimizer_kind optimizer;
    double learning_rate, momentum, stop_error, forgetting, stop_likelihood, clip, weight_decay;
    double time_limit, hang_timeout; /* s; 0: none */
    enum on_nan on_nan;
    long batch_size, epochs, patience, starts;
    struct schedule schedule;
    struct anneal anneal;
    uint64_t seed;
    char *init;
    char *split, *prune, *merge; /* "auto", experts' numbers, or NULL */
    double split_spread;         /* 0: so little that no prediction changes */

    long replicas;
    long root_experts; /* -1: auto */
    enum placement placement;
    long micro_batch; /* 0: auto */
    enum read_choice read;
    enum stream_choice stream;
    long stream_block; /* samples; 0: auto */

    char *shape;                               /* bench: B,D,H,O,E */
    bool plan;                                 /* bench */
    double seconds;                            /* bench: to measure for */
    double network_latency, network_bandwidth; /* bench: us and GB/s between hosts; 0: not said */
    char *output, *resume;                     /* resume: "no", "auto" or a path */
    long checkpoint_every;                     /* 0: at the end only */
    enum interval_unit checkpoint_unit;
    long keep, metrics_every;
    bool tensorboard;
    enum log_progress progress;
    bool one_rank, quiet, dry_run, json, verify, profile;
    bool once;       /* watch */
    double interval; /* 0: none */
    bool density, conformal, novelty;
    double level; /* summary */
    bool robust, test_experts;
    long bootstrap; /* summary: refits; 0: none */

    char *grid;                   /* sweep: see options_grid */
    long seeds;                   /* from `seed` on */
    long ranks_per_run;           /* 0: auto */
    long array_index, array_size; /* sweep: this job's part of the runs; size 0: all */
    bool table;

    long nodes, tasks_per_node; /* submit; array_size is its too */
    double job_time;            /* s; 0: the partition's */
    char *job_memory, *partition, *account, *job_name, *sbatch_options, *script;
    bool now;

    bool *is_set; /* (options_count()), owned: said on the command line, in the file, or recorded */
};

/* Defaults for a command. Local. */
status options_init(struct options *options, enum command command);
void options_release(struct options *options);

/*
 * Root. Reads the words after the command: options, --config file (whose values yield to the
 * command line) and positional words. STATUS_USAGE names the option or file, line and key, what
 * values are possible and, for an unknown one, the nearest. *help is set, and nothing else read, if
 * --help is among them.
 */
status options_parse(struct options *options, int argc, char **argv, bool *help);

/* Root. Sets one option from its text, as in the YAML file: key with underscores or dashes. */
status options_set(struct options *options, const char *key, const char *value, const char *origin);

/* Local. Said on the command line, in the file, or by options_set. */
bool options_is_set(const struct options *options, const char *key);

/* Local. The value as text that options_set reads back to the same bits. Text lasts to the next
 * call. */
const char *options_value(const struct options *options, const char *key);

struct option_entry; /* option_entry.h */

/* Local. The first option that was said and has one of these traits (enum option_trait), or NULL.
 */
const struct option_entry *options_said(const struct options *options, unsigned traits);

/* Local. Calls visit(entry, value) for every option of the command, in table order. */
status options_visit(const struct options *options,
                     status (*visit)(const struct option_entry *entry, const char *value,
                                     void *context),
                     void *context);

/*
 * Local. The grid of `sweep`: names of options with dashes, and for each the list of its values,
 * (names.n) lists that memory_free frees after string_list_release of each.
 */
status options_grid(const struct options *options, struct string_list *names,
                    struct string_list **values);

/* Root. As --config FILE: the options of the file count as given. */
status options_read_yaml(struct options *options, const char *path);

/* Root. Writes all options of the command as YAML that --config reads back. */
status options_write_yaml(const struct options *options, FILE *file);

struct communicator; /* comm/communicator.h */

/*
 * Collective. Rank 0's options to all, when it has completed them from command line, file or
 * record, or the failure that this ended with: `at_root` is rank 0's, STATUS_OK elsewhere. Options
 * that rank 0 has not initialised stay so everywhere.
 */
status options_share(const struct communicator *comm, status at_root, struct options *options);

/*
 * Local. All options of the command as one string for broadcasting (memory_free), and back. What
 * was said and positional words are part of it.
 */
status options_to_text(const struct options *options, char **text);
status options_from_text(struct options *options, const char *text);

/* Local. */
void options_print_help(enum command command, FILE *file); /* coterie <command> --help */
void options_print_overview(FILE *file);                   /* coterie --help */

#endif
