/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_TRAIN_INTERNAL_H
#define COTERIE_APP_TRAIN_INTERNAL_H

#include "app/options/option_entry.h"
#include "app/options/options.h"
#include "app/problem/baseline.h"
#include "app/problem/problem.h"
#include "app/train/begun_in.h"
#include "app/train/profile_table.h"
#include "app/train/selection.h"

#include "data/samples/split.h"
#include "train/feed/samples.h"
#include "train/loop/run_directory.h"
#include "train/loop/trainer.h"
#include "train/reshape/reshape.h"

struct train_trial;

/* Everything of one `coterie train`; what is marked root is empty on other ranks. */
struct training {
    const struct communicator *comm;
    struct options *options;
    struct problem problem;
    struct trainer_config config;
    struct dataset_shape train_shape, valid_shape;
    bool has_valid;
    bool streams_train, streams_valid; /* decided by plan_show */

    struct source *source, *valid_source; /* root; the same source if a fraction is held out */
    struct split split;                   /* root */
    uint64_t *valid_rows;                 /* root: of valid_source, NULL: all; owned */
    uint8_t *fold;                        /* root: (n_train) of a committee, else NULL; owned */
    struct train_trial *trial;            /* what is asked of a training without files, or NULL */
    bool judges_unseen;                   /* the samples that members leave out tell when to stop */
    struct dataset unseen;                /* the training samples, as such; not owned */
    struct run_record record;             /* root */
    struct run_directory directory;       /* root */
    char resume_path[4096];               /* root: the checkpoint to go on from, or "" */
    char *output;                         /* root: --output, or the default for it */

    long recorded_replicas;    /* root: --replicas of that checkpoint, or 0 */
    long recorded_micro_batch; /* root: likewise, if the user says one, too; else 0 */
    char init_path[4096];      /* root: the file of --init, or "" */

    bool reshapes;                    /* experts are split, pruned or merged at the start */
    struct reshape reshape;           /* root */
    char reshaped_path[4096];         /* root: the checkpoint that has them */
    enum data_part reshaped_part;     /* root: of --data, by which they are judged */
    long said_experts;                /* root: --experts of the user, 0 if not said */
    struct string_list reshape_notes; /* root: what becomes of whom, for the log */

    size_t *firsts; /* --placement measured: see shard_deal_by_speed; else NULL. Owned */

    struct samples train, valid;
    struct dataset held_out; /* root: samples that checkpoints keep scores of; n 0: none */
    void *held_out_block;    /* in which it lies */
    struct replicas replicas;
    struct model model;
    struct metrics_config metrics_config;
    struct baseline baseline, baseline_valid; /* root */
    double *y_scale;                          /* (O) with numeric targets, owned */
    struct selection *selection;              /* what is to be measured at the end; NULL: nothing */
};

/*
 * Root. All that `coterie train` determines and refuses before it needs memory. train_release frees
 * it, also after a failure.
 */
status train_prepare(const struct communicator *comm, struct options *options,
                     struct training *training);
void train_release(struct training *training);

/*
 * Collective. One run of `coterie train`; `selection` (or NULL) is filled at the root when it is
 * finished.
 */
status train_run(const struct communicator *comm, struct options *options,
                 struct selection *selection);

/* Collective. Measures the parameters that the run has ended with: see selection.h. */
status selection_measure(struct training *training, struct trainer *trainer,
                         struct selection *selection);

/* Collective. --placement measured: measures the ranks and fills training->firsts. */
status placement_measure(struct training *training);

/* Local. The shards of the plan and of the training. */
status placement_shard(const struct training *training, struct shard *shard);

/* Root. Decides from --resume and --output which checkpoint to go on from, if any. */
status resume_find(struct training *training);

/*
 * --split, --prune and --merge, in this order, after resume_find. A run that is resumed with
 * --resume auto has begun with them: they are compared, and nothing is done.
 *
 * Root. Whether they are asked for. STATUS_USAGE if there is no model to begin from, or no new
 * directory to begin in.
 */
status reshape_find(struct training *training);

/* Root. After the options of the checkpoint have been merged: reads what is asked for. */
status reshape_prepare(struct training *training);

/* Collective. Decides what is left to `auto`, sets --experts and notes what becomes of whom. */
status reshape_choose(struct training *training);

/* Root. Prints these notes. */
void reshape_show(const struct training *training);

/* Root. --experts becomes their number afterwards; STATUS_USAGE if another one was said. */
status reshape_set_experts(struct training *training);

/* Root. A plain restart: STATUS_USAGE if the run was begun with another request. */
status reshape_check_resumed(const struct training *training, const struct run_record *record);

/*
 * Root. Takes what the user has not said from the checkpoint at resume_path. STATUS_USAGE, naming
 * option and both values, if structure, scaling, seed or optimiser differ from the options given.
 */
status resume_merge_options(struct training *training);

/* Root. The same with the record at hand. */
status resume_merge_record(struct training *training, const struct run_record *record);

/* Local. The options that a checkpoint keeps, as text. */
status record_options(const struct options *options, struct run_record *record);

/* Root. STATUS_USAGE if the data are not those that the checkpoint was trained on. */
status resume_check_data(const struct training *training, const struct run_record *earlier);

/* Local. The run that is resumed did not go back on errors that are not finite. */
bool resume_begins_rollback(const struct run_record *earlier);

/* Root. Of a run that has been resumed but has nothing left to do: says so, and how to go on. */
void resume_show_finished(const struct trainer *trainer);

/* Root. Opens the data, resolves the problem, splits and scales: all that needs no memory yet. */
status training_prepare(struct training *training);

/*
 * Root. After the samples have been loaded, while their source can be read: what checkpoints tell
 * of them goes into record.spread, or is computed from held_out whenever one is written.
 */
status known_samples_take(struct training *training);

/* Local. What the rooms below app need of the options, once these are complete. */
void training_set_config(struct training *training);

/* Collective. Decides what is streamed, and prints what will happen; STATUS_USAGE if it cannot fit
 * into the hosts' memory. */
status plan_show(struct training *training);

/* Root. The part of it that is about the samples, with warnings of what is wrong with them. */
status plan_show_data(const struct training *training);

/* What a training needs, in bytes. */
struct memory_need {
    double data; /* once on each host */
    double node; /* the ranks of the node that needs most, without data */
    double rank; /* the rank that needs most */
};

/* Root. For nodes with as many ranks each, after training_prepare. */
status plan_memory(const struct training *training, int nodes, int ranks_per_node,
                   struct memory_need *need);

/* Collective. Prints the result: errors, accuracy, what each expert took over, the checkpoint. */
status report_show(struct training *training, struct trainer *trainer);

/* Root. Prints where the time of all ranks went: in short, or in full with --profile. */
void report_time(const struct training *training, const struct profile_table *table);

#endif
