/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_TRAINER_H
#define COTERIE_TRAIN_TRAINER_H

#include "base/log.h"
#include "base/status.h"
#include "checkpoint/progress.h"
#include "comm/communicator.h"
#include "data/samples/dataset.h"
#include "data/samples/sampler.h"
#include "round_timer.h"
#include "saver.h"
#include "train/em/em.h"
#include "train/loop/run_directory.h"
#include "train/reshape/reshape.h"
#include "train/step/early_update.h"
#include "train/step/metrics.h"
#include "train/step/model.h"
#include "train/step/optimizer.h"
#include "train/step/replicas.h"
#include "train/step/schedule.h"
#include "train/step/step.h"

#include <stdbool.h>
#include <stdint.h>

/* What to do when the error is not finite. */
enum on_nan {
    ON_NAN_STOP,
    ON_NAN_ROLLBACK /* back to the last good checkpoint, with half the learning rate */
};

/* How to train: the options of the user, resolved. */
struct trainer_config {
    struct optimizer_config optimizer;
    struct schedule schedule;
    struct anneal anneal;
    double learning_rate;
    double clip;            /* largest norm of the whole gradient, 0: any */
    double stop_error;      /* stop when expected_square is not above it, 0: never */
    double forgetting;      /* on-line EM, see em.h */
    double stop_likelihood; /* EM: stop when the error falls by less, relatively; 0: never */
    double time_limit;      /* seconds since the program started (clock_since_start), 0: none */
    size_t batch_size, micro_batch;
    size_t stream_block; /* samples in a block of the shuffle; 0: all in one */
    int replicas;
    int64_t epochs, patience, starts, metrics_every;
    uint64_t seed;
    int64_t save_every_epochs, save_every_steps; /* 0: not by this */
    double save_every_seconds;
    int keep;
    enum on_nan on_nan;
    enum log_progress progress_mode;
    bool variance_is_unseen; /* of a committee: see trainer_unseen.h */
    bool profile;            /* time every round, see round_timer.h */
};

/* Why training ended, or that it goes on. */
enum stop_reason {
    STOP_NOT,
    STOP_EPOCHS,     /* all epochs are done */
    STOP_ERROR,      /* --stop-error is reached */
    STOP_LIKELIHOOD, /* EM: the likelihood rises no more */
    STOP_PATIENCE,   /* the validation error has not fallen for --patience epochs */
    STOP_REQUESTED,  /* by a signal */
    STOP_TIME,       /* --time-limit is near */
    STOP_FELL,       /* EM: the likelihood fell, which it must not; the update was taken back */
    STOP_NOT_FINITE  /* the error is not a finite number any more */
};

struct trainer {
    const struct trainer_config *config;
    const struct communicator *comm;     /* all ranks */
    const struct replicas *replicas;     /* the groups that they form */
    struct model *model;                 /* this replica's */
    const struct dataset *train, *valid; /* valid may be NULL */
    const struct dataset *shown; /* the validation that is recorded, if it is not valid; or NULL */
    const struct metrics_config *metrics_config;
    struct step step;
    struct optimizer gate_optimizer, expert_optimizer;
    struct early_update early;
    struct em *em; /* where no optimiser steps, in the place of both */
    struct sampler sampler;
    struct metrics running, validation; /* root */
    struct metrics share;               /* several replicas: of this one, in the present pass */
    char *part, *parts;                 /* what replicas tell the root, see trainer_replicas.c */
    int64_t raised;                     /* requests to stop, of all replicas */
    struct progress progress;           /* counters are the same on every rank */
    struct history history;             /* root */
    struct local_networks best;         /* this rank's part of the best model, with validation */
    double *norms, *all_norms;          /* (n_local), and at the root (E): for clipping */
    double *unseen, *all_unseen;        /* the same, two each: see trainer_unseen.h */
    bool saves;                         /* checkpoints and metrics are written */
    struct run_directory *directory;    /* root, not owned */
    struct saver saver;                 /* root */
    double started, last_saved;         /* clock; progress.seconds counts from `started` */
    double seconds_before;              /* of the run before this process */
    double longest_round;               /* root: seconds, the longest in this process */
    int64_t saved_steps, saved_epoch;   /* total_steps and recorded of the last saved state */
    const char *init_path;              /* --init or NULL */
    const struct reshape *init_reshape; /* root: of its experts, or NULL; not owned */
    bool begins_rollback;               /* resumed from a run without --on-nan rollback */
    bool is_reshaped;                   /* resumed with other experts: not on disk yet */
    struct round_timer timer;           /* root */
    double round_weight;                /* of the next round in the profile, 0: not timed */
    bool metrics_failed; /* root: the last line could not be written, and that was said */
    enum stop_reason reason;
    int rollbacks;       /* of this process */
    char nonfinite[128]; /* root: what was not finite first, or that the likelihood fell */
};

/* Local. Whether step_look_ahead is of use for n training samples. */
bool trainer_looks_ahead(const struct trainer_config *config, const struct model_config *model,
                         const struct shard *shard, size_t n);

/* Collective. The arguments must outlive the trainer. */
status trainer_init(struct trainer *trainer, const struct trainer_config *config,
                    const struct replicas *replicas, struct model *model,
                    const struct dataset *train, const struct dataset *valid,
                    const struct metrics_config *metrics_config);
void trainer_release(struct trainer *trainer);

/*
 * Local, after trainer_init. What `valid` is stops training and says which epoch is the best; the
 * metrics of validation that are recorded are those of `shown`.
 */
void trainer_show(struct trainer *trainer, const struct dataset *shown);

/*
 * Collective. Where checkpoints and metrics go; without it nothing is written, and only one start
 * is possible. Checkpoints hold scores of the samples `held_out`, of which there may be none. All
 * are for the root, and must outlive the trainer.
 */
void trainer_use_directory(struct trainer *trainer, struct run_directory *directory,
                           const struct run_record *record, const struct dataset *held_out);

/*
 * Collective. Parameters, optimiser and progress at the start of training: drawn, or from --init.
 * At the root, `reshape` says what becomes of the experts of that file, a checkpoint; NULL: it has
 * those of the model. Both must outlive the trainer.
 */
status trainer_begin(struct trainer *trainer, const char *init_path, const struct reshape *reshape);

/* Collective. The state of a checkpoint that the root has open. */
status trainer_resume(struct trainer *trainer, struct hdf5_file *file);

/*
 * Collective. The same, with experts split, pruned or merged (root, else NULL). trainer_run saves
 * the state that this gives before it trains.
 */
status trainer_resume_reshaped(struct trainer *trainer, struct hdf5_file *file,
                               const struct reshape *reshape);

/* Root. After trainer_resume: why nothing is left to do, or STOP_NOT. */
enum stop_reason trainer_finished_before(const struct trainer *trainer);

/*
 * Collective. Trains until something in enum stop_reason; with several starts, all of them, and
 * leaves the best. STATUS_OK when finished, STATUS_STOPPED when asked to stop, STATUS_FAILED if the
 * error is not finite or the last checkpoint could not be saved.
 */
status trainer_run(struct trainer *trainer);

/*
 * Local, on all ranks. After trainer_run: the parameters of the lowest validation error become the
 * model's, if there is validation; those of checkpoints/best.
 */
void trainer_use_best(struct trainer *trainer);

#endif
