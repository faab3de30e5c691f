/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train.h"

#include "app/judge/loaded_model.h"
#include "app/train/train_internal.h"
#include "base/clock.h"
#include "base/fresh_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/profile.h"
#include "base/site.h"
#include "base/stop_request.h"
#include "comm/watchdog.h"
#include "data/samples/epoch_order.h"
#include "math/blas.h"
#include "math/gemm.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Root. --output, or a new folder below runs/ named after the time. */
static char *output_directory(const struct options *options)
{
    if (options->output)
        return memory_strdup(options->output);
    char name[64], numbered[96];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(name, sizeof name, "runs/%Y%m%d-%H%M%S", &local);
    /* Two runs that start in the same second have two directories. */
    snprintf(numbered, sizeof numbered, "%s-%d", name, (int)getpid());
    return memory_strdup(access(name, F_OK) == 0 ? numbered : name);
}

/* Root. A tree says how many experts there are. */
static status count_experts(struct options *options)
{
    char number[24];
    if (!gate_kind_of(options->gate)->has_levels || options_is_set(options, "experts"))
        return STATUS_OK;
    snprintf(number, sizeof number, "%zu", gate_levels_n_experts(&options->gate_levels));
    return options_set(options, "experts", number, "--gate");
}

/* Root. Where training begins: anew, from a checkpoint, or from the parameters of another model. */
static status find_start(struct training *training)
{
    struct options *options = training->options;
    training->output = output_directory(options);
    training->said_experts = options_is_set(options, "experts") ? options->experts : 0;
    status outcome = options->tensorboard ? event_file_check() : STATUS_OK;
    if (outcome == STATUS_OK)
        outcome = problem_read_offset(options);
    if (outcome == STATUS_OK)
        outcome = resume_find(training);
    if (outcome == STATUS_OK)
        outcome = reshape_find(training);
    if (outcome == STATUS_OK && training->resume_path[0])
        outcome = resume_merge_options(training);
    else if (outcome == STATUS_OK && options->init)
        outcome = checkpoint_find(options->init, training->init_path, sizeof training->init_path);
    if (outcome == STATUS_OK)
        outcome = count_experts(options);
    if (outcome == STATUS_OK)
        outcome = reshape_prepare(training);
    return outcome;
}

/* Collective. What rank 0 has made of options and samples; `outcome` is how that ended there. */
static status share_plan(struct training *training, status outcome)
{
    struct {
        struct problem problem;
        struct dataset_shape train_shape, valid_shape;
        bool has_valid, judges_unseen;
    } plan = {training->problem, training->train_shape, training->valid_shape, training->has_valid,
              training->judges_unseen};
    outcome = options_share(training->comm, outcome, training->options);
    if (outcome != STATUS_OK)
        return outcome;
    communicator_broadcast(training->comm, &plan, sizeof plan);
    training->problem = plan.problem;
    training->train_shape = plan.train_shape;
    training->valid_shape = plan.valid_shape;
    training->has_valid = plan.has_valid;
    training->judges_unseen = plan.judges_unseen;
    training_set_config(training);
    return STATUS_OK;
}

/* Collective. In memory, or as a stream; `rows` NULL: all samples of the source. */
static status load_part(struct training *training, const struct dataset_shape *shape, bool streams,
                        size_t block, struct source *source, const uint64_t *rows,
                        struct samples *samples)
{
    const struct scaler *scaler = &training->record.scaler;
    if (streams)
        return samples_stream(training->comm, shape, block, source, scaler, rows, samples);
    return samples_load(training->comm, shape, training->options->read, source, scaler, rows,
                        samples);
}

static status load_parts(struct training *training)
{
    /* Where nothing is held out or left out, all samples are taken. */
    const struct split *split = &training->split;
    const struct dataset_shape *valid = &training->valid_shape;
    bool takes_some = training->source && split->n_train < source_info(training->source)->n;
    status outcome = load_part(training, &training->train_shape, training->streams_train,
                               training->config.stream_block, training->source,
                               takes_some ? split->train : NULL, &training->train);
    training->train.dataset.fold = training->fold;
    training->unseen = training->train.dataset;
    training->unseen.is_unseen = true;
    if (outcome != STATUS_OK || !training->has_valid || training->trial)
        return outcome;
    struct source *source = training->valid_source ? training->valid_source : training->source;
    return load_part(training, valid, training->streams_valid,
                     epoch_order_auto_block(valid->n, valid->n_inputs + valid->n_targets), source,
                     training->valid_source ? training->valid_rows : split->valid,
                     &training->valid);
}

static status load_samples(struct training *training)
{
    status outcome = load_parts(training);
    if (outcome == STATUS_OK && !training->trial) {
        if (training->comm->rank == 0)
            outcome = known_samples_take(training);
        outcome = communicator_agree(training->comm, outcome);
    }
    if (training->source)
        source_forget(training->source);
    if (training->valid_source)
        source_forget(training->valid_source);
    return outcome;
}

static status write_config(const struct training *training)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/config.yaml", training->output);
    struct fresh_file file = {0};
    status outcome = fresh_file_open(&file, path);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = begun_in_write(training->options, file.stream);
    /* Here a fault finds half a file. */
    if (outcome == STATUS_OK)
        outcome = site_file(SITE_config_write, path);
    return fresh_file_publish(&file, outcome);
}

/* Root. Two runs that begin in a new directory at once: the second finds the first one's files. */
static status open_new_directory(struct training *training)
{
    status outcome = run_directory_open(&training->directory, training->output);
    if (outcome == STATUS_OK && run_directory_holds_run(training->output))
        outcome = status_set(STATUS_USAGE,
                             "another run has begun in %s meanwhile; continue it with --resume "
                             "auto, or choose another --output",
                             training->output);
    return outcome;
}

/* Root. Makes the run directory; from here on there is something on disk. */
static status open_directory(struct training *training)
{
    status outcome = STATUS_OK;
    /* One that held a run was locked before the run was looked at. */
    if (!training->directory.path)
        outcome = open_new_directory(training);
    if (outcome == STATUS_OK) {
        training->directory.has_events = training->options->tensorboard;
        run_directory_unmark_finished(training->output, "finished");
        outcome = write_config(training);
    }
    char path[PATH_MAX], now[32];
    snprintf(path, sizeof path, "%s/log.txt", training->output);
    if (outcome == STATUS_OK && !log_set_file(path))
        outcome = status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
    if (outcome != STATUS_OK)
        return outcome;
    char library[128];
    const char *job = getenv("SLURM_JOB_ID");
    communicator_library(library, sizeof library);
    clock_timestamp(now, sizeof now);
    const struct communicator *comm = training->comm;
    log_info("coterie %s %s, %s, %s, kernel %s, %s, %d rank%s on %d host%s%s%s, started %s",
             COTERIE_VERSION, COTERIE_REVISION, REAL_NAME, library, blas_kernel(), gemm_library(),
             comm->size, comm->size == 1 ? "" : "s", comm->n_nodes, comm->n_nodes == 1 ? "" : "s",
             job ? ", Slurm job " : "", job ? job : "", now);
    if (!training->options->output && strrchr(training->output, '/'))
        outcome = run_directory_link("runs", "latest", strrchr(training->output, '/') + 1);
    reshape_show(training);
    return outcome;
}

/* Collective. The state to start from: a checkpoint's, or new. */
static status begin(struct training *training, struct trainer *trainer)
{
    int resumes = training->resume_path[0] != '\0';
    communicator_broadcast(training->comm, &resumes, sizeof resumes);
    bool is_root = training->comm->rank == 0;
    const struct reshape *reshape = training->reshapes && is_root ? &training->reshape : NULL;
    if (!resumes)
        return trainer_begin(trainer,
                             is_root && training->options->init ? training->init_path
                                                                : training->options->init,
                             reshape);
    struct hdf5_file *file = NULL;
    struct run_record earlier = {0};
    status outcome = STATUS_OK;
    if (is_root) {
        outcome = checkpoint_open(training->resume_path, &file);
        if (outcome == STATUS_OK)
            outcome = checkpoint_read_record(file, &earlier);
        if (outcome == STATUS_OK)
            outcome = resume_check_data(training, &earlier);
    }
    outcome = communicator_agree(training->comm, outcome);
    if (outcome == STATUS_OK)
        outcome = training->reshapes ? trainer_resume_reshaped(trainer, file, reshape)
                                     : trainer_resume(trainer, file);
    if (outcome == STATUS_OK && is_root) {
        log_info("resumed  %s: epoch %lld, step %lld", training->resume_path,
                 (long long)trainer->progress.epoch, (long long)trainer->progress.step);
        resume_show_finished(trainer);
        trainer->begins_rollback = resume_begins_rollback(&earlier);
    }
    run_record_release(&earlier);
    if (file)
        hdf5_close(&file);
    return outcome;
}

/*
 * What asks for an end in good order. Batch systems give notice by the first ones, some again and
 * again: USR1 (Slurm, Grid Engine before a suspension), USR2 (Grid Engine before KILL, LSF at the
 * run limit, OAR), XCPU (the kernel and LSF at the limit of processor time, every second). The
 * others may come from the user, too, and have other uses before training begins.
 */
static const struct stop_signal {
    int number;
    bool is_notice;
} stop_signals[] = {{SIGUSR1, true},  {SIGUSR2, true}, {SIGXCPU, true},
                    {SIGTERM, false}, {SIGINT, false}, {SIGHUP, false}};

static bool is_notice(int number)
{
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
        if (stop_signals[i].number == number)
            return stop_signals[i].is_notice;
    return false;
}

/*
 * Repeated after a while, Ctrl-C or TERM end the run at once. A notice does not, nor TERM after
 * one: when time is up batch systems send them one after the other, while the run is saving.
 */
static void on_stop_signal(int number)
{
    static _Atomic int first;
    int none = 0;
    bool is_same = atomic_compare_exchange_strong(&first, &none, number) || none == number;
    stop_request_raise(is_same && !is_notice(number));
}

static void catch_signals(bool all)
{
    const struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
        if (all || stop_signals[i].is_notice)
            sigaction(stop_signals[i].number, &action, NULL);
}

void train_catch_requests(void)
{
    catch_signals(false);
}

static void catch_stop_signals(void)
{
    catch_signals(true);
    /* Beyond a limit on the size of files (ulimit -f) writing fails, as on a full disk. */
    signal(SIGXFSZ, SIG_IGN);
}

/* Collective. A trial has no directory; what it ends with is the best epoch. */
static status run_trial(struct training *training, struct trainer *trainer)
{
    status outcome = trainer_begin(trainer, NULL, NULL);
    if (outcome == STATUS_OK)
        outcome = trainer_run(trainer);
    if (outcome != STATUS_OK || training->comm->rank != 0)
        return outcome;
    const struct history *history = &trainer->history;
    const int64_t best = progress_best(&trainer->progress).epoch;
    *training->trial = (struct train_trial){NAN, NAN, NAN, best, trainer->progress.epoch};
    for (size_t i = 0; i < history->n; i++) {
        const struct metrics_record *record = &history->record[i];
        if (record->epoch != best)
            continue;
        training->trial->nll = record->nll_valid;
        training->trial->rmse = record->rmse_valid;
        training->trial->accuracy = record->accuracy_valid;
    }
    return outcome;
}

static status train_and_report(struct training *training, struct trainer *trainer)
{
    if (training->trial)
        return run_trial(training, trainer);
    status outcome = begin(training, trainer);
    if (outcome == STATUS_OK) {
        if (training->comm->rank == 0)
            outcome = open_directory(training);
        outcome = communicator_agree(training->comm, outcome);
    }
    if (outcome != STATUS_OK)
        return outcome;
    trainer_use_directory(trainer, &training->directory, &training->record, &training->held_out);
    outcome = trainer_run(trainer);
    bool ended_well = outcome == STATUS_OK || outcome == STATUS_STOPPED;
    struct profile_table table = {0};
    status profiled = ended_well ? profile_table_gather(training->comm, &table) : STATUS_FAILED;
    profile_start(false);
    if (outcome == STATUS_OK)
        outcome = report_show(training, trainer);
    if (profiled == STATUS_OK)
        report_time(training, &table);
    profile_table_release(&table);
    if (outcome == STATUS_OK && training->selection)
        outcome = selection_measure(training, trainer, training->selection);
    if (outcome == STATUS_OK && training->comm->rank == 0) {
        char text[64];
        snprintf(text, sizeof text, "epoch %lld", (long long)trainer->progress.epoch);
        run_directory_mark_finished(training->output, "finished", text);
    }
    return outcome;
}

/* Collective. The root of every replica measures errors in the units of the data. */
static status share_target_scales(struct training *training)
{
    size_t n = training->problem.has_rmse ? training->problem.model.n_outputs : 0;
    const double *known = training->record.scaler.y_scale;
    status outcome = memory_alloc(&training->y_scale, n, sizeof(double), "the scales of targets");
    outcome = communicator_agree(training->comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t k = 0; k < n; k++)
        training->y_scale[k] = known ? known[k] : 1;
    communicator_broadcast(training->comm, training->y_scale, n * sizeof(double));
    return STATUS_OK;
}

static status run_training(struct training *training)
{
    struct trainer trainer;
    struct shard shard;
    profile_start(true);
    profile_enter(PHASE_LOADING);
    status outcome = load_samples(training);
    stop_request_interrupts_reading(false);
    profile_enter(PHASE_OTHER);
    struct replicas *replicas = &training->replicas;
    if (outcome == STATUS_OK)
        outcome = replicas_init(replicas, training->comm, training->config.replicas);
    if (outcome == STATUS_OK)
        outcome = communicator_agree(training->comm, placement_shard(training, &shard));
    if (outcome == STATUS_OK)
        outcome = model_init_dealt(&training->model, &training->problem.model, &replicas->group,
                                   &shard, real_padded(training->config.micro_batch));
    if (outcome == STATUS_OK)
        outcome = replicas_use_model(replicas, &training->model);
    if (outcome == STATUS_OK)
        outcome = share_target_scales(training);
    if (outcome != STATUS_OK)
        return outcome;
    training->metrics_config = problem_metrics(&training->problem, training->y_scale);
    const struct dataset *valid = training->has_valid ? &training->valid.dataset : NULL;
    outcome = trainer_init(
        &trainer, &training->config, replicas, &training->model, &training->train.dataset,
        training->judges_unseen ? &training->unseen : valid, &training->metrics_config);
    if (training->judges_unseen && !training->trial)
        trainer_show(&trainer, valid);
    if (outcome == STATUS_OK)
        outcome = train_and_report(training, &trainer);
    trainer_release(&trainer);
    return outcome;
}

void train_release(struct training *training)
{
    log_set_file(NULL);
    model_release(&training->model);
    replicas_release(&training->replicas);
    memory_free(&training->y_scale);
    memory_free(&training->firsts);
    samples_release(&training->train);
    samples_release(&training->valid);
    if (training->comm->rank != 0)
        return;
    source_close(&training->source);
    source_close(&training->valid_source);
    split_release(&training->split);
    memory_free(&training->valid_rows);
    memory_free(&training->fold);
    memory_free(&training->held_out_block);
    reshape_release(&training->reshape);
    string_list_release(&training->reshape_notes);
    run_record_release(&training->record);
    run_directory_close(&training->directory);
    memory_free(&training->output);
}

status train_prepare(const struct communicator *comm, struct options *options,
                     struct training *training)
{
    *training = (struct training){.comm = comm, .options = options, .directory = {.lock = -1}};
    status outcome = find_start(training);
    /* What is left to `auto` would need the samples. */
    if (outcome == STATUS_OK && training->reshapes)
        outcome = reshape_set_experts(training);
    return outcome == STATUS_OK ? training_prepare(training) : outcome;
}

status train_run(const struct communicator *comm, struct options *options,
                 struct selection *selection)
{
    struct training training = {
        .comm = comm, .options = options, .directory = {.lock = -1}, .selection = selection};
    status outcome = STATUS_OK;
    /* From here on: reading data, or waiting for the lock, may take long. */
    if (!options->dry_run)
        catch_stop_signals();
    if (comm->rank == 0)
        outcome = find_start(&training);
    outcome = options_share(comm, outcome, options);
    if (outcome == STATUS_OK)
        outcome = reshape_choose(&training);
    /* Now only data are read, no checkpoints: of those an older one would be taken instead. */
    stop_request_interrupts_reading(!options->dry_run);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = training_prepare(&training);
    outcome = share_plan(&training, outcome);
    if (outcome == STATUS_OK)
        outcome = watchdog_set(comm, options->hang_timeout, training.output);
    if (outcome == STATUS_OK && options->placement == PLACEMENT_MEASURED && comm->size > 1)
        outcome = placement_measure(&training);
    if (outcome == STATUS_OK)
        outcome = plan_show(&training);
    if (outcome == STATUS_OK && !options->dry_run)
        outcome = run_training(&training);
    train_release(&training);
    return outcome;
}

status train_try(const struct communicator *comm, struct options *options,
                 struct train_trial *trial)
{
    struct training training = {
        .comm = comm, .options = options, .directory = {.lock = -1}, .trial = trial};
    status outcome = STATUS_OK;
    catch_stop_signals();
    log_set_mute(true);
    if (comm->rank == 0)
        outcome = training_prepare(&training);
    outcome = share_plan(&training, outcome);
    if (outcome == STATUS_OK)
        outcome = watchdog_set(comm, options->hang_timeout, NULL);
    if (outcome == STATUS_OK)
        outcome = plan_show(&training);
    if (outcome == STATUS_OK)
        outcome = run_training(&training);
    train_release(&training);
    log_set_mute(false);
    return outcome;
}
