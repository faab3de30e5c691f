/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"

#include "app/sweep/sweep_internal.h"
#include "app/train/train.h"
#include "app/train/train_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "comm/watchdog.h"
#include "train/loop/run_directory.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A sweep in progress. The ranks form groups of neighbours; the runs that are to be done are dealt
 * to the groups in turn. Which group does a run has no influence on its result, and no group needs
 * to hear of another before the end.
 */
struct dealing {
    struct sweep sweep;
    size_t *todo; /* (n_todo) numbers of runs */
    size_t n_todo;
    int n_groups, group; /* this rank's */
};

/* Root. */
static status check_options(const struct options *options)
{
    bool is_part = options->array_index > 0 || options->array_size > 0;
    bool has_index = options_is_set(options, "index");
    if (options->resume && strcmp(options->resume, "auto") != 0)
        return status_set(STATUS_USAGE, "--resume must be auto: a sweep always continues");
    if (is_part && (!has_index || options->array_index >= options->array_size))
        return status_set(
            STATUS_USAGE,
            "--index I --of N go together, with I from 0 to N-1, as in --index 3 --of "
            "10");
    return STATUS_OK;
}

/* Root. An option that is given and in the grid, too: the grid is what counts, and says so. */
static status show_replaced(const struct options *options)
{
    struct string_list names = {0}, *values = NULL;
    status outcome = options_grid(options, &names, &values);
    for (size_t a = 0; a < names.n && outcome == STATUS_OK; a++) {
        const char *name = names.item[a];
        if (options_is_set(options, name))
            log_info("grid     takes the place of --%s %s", name, options_value(options, name));
    }
    for (size_t a = 0; values && a < names.n; a++)
        string_list_release(&values[a]);
    memory_free(&values);
    string_list_release(&names);
    return outcome;
}

status sweep_open(struct options *options)
{
    bool exists = false;
    status outcome = check_options(options);
    if (outcome == STATUS_OK)
        outcome = show_replaced(options);
    if (outcome == STATUS_OK)
        outcome = sweep_record_merge(options, &exists);
    if (outcome != STATUS_OK)
        return outcome;
    if (options->table && !exists)
        return status_set(STATUS_USAGE, "there is no sweep in %s", options->output);
    if (!options->grid && options->seeds == 1)
        return status_set(STATUS_USAGE,
                          "no settings to try; give for example --grid experts=2,4,8");
    return STATUS_OK;
}

/* Root. The runs of this job's part that are not finished. */
static void find_todo(struct dealing *dealing)
{
    const struct options *options = dealing->sweep.options;
    for (size_t r = 0; r < dealing->sweep.n_runs; r++) {
        char path[PATH_MAX];
        struct sweep_result result;
        if (options->array_size > 0 &&
            (long)(r % (size_t)options->array_size) != options->array_index)
            continue;
        sweep_run_path(&dealing->sweep, r, path, sizeof path);
        sweep_result_read(path, &result);
        if (result.state != RUN_FINISHED)
            dealing->todo[dealing->n_todo++] = r;
    }
}

/*
 * Root. If no run at all can begin, the fault is in what they share: STATUS_USAGE before anything
 * is written. A setting that cannot be trained is only a failed run.
 */
static status check_first_run(const struct communicator *comm, const struct dealing *dealing)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < dealing->n_todo; i += (size_t)dealing->sweep.options->seeds) {
        struct options options = {0};
        struct training training;
        outcome = sweep_run_options(&dealing->sweep, dealing->todo[i], &options);
        options.dry_run = true;
        if (outcome == STATUS_OK) {
            outcome = train_prepare(comm, &options, &training);
            train_release(&training);
        }
        options_release(&options);
        if (outcome == STATUS_OK)
            break;
    }
    return outcome;
}

/* Collective. Who works with whom: groups of neighbours, so that they are on few hosts. */
static status make_groups(const struct communicator *comm, struct dealing *dealing)
{
    long wanted = dealing->sweep.options->ranks_per_run;
    if (wanted > comm->size)
        return status_set(STATUS_USAGE, "--ranks-per-run %ld is more than the %d ranks there are",
                          wanted, comm->size);
    if (wanted > 0) {
        dealing->n_groups = (int)((comm->size + wanted - 1) / wanted);
        dealing->group = (int)(comm->rank / wanted);
        return STATUS_OK;
    }
    size_t size = (size_t)comm->size, n = dealing->n_todo < size ? dealing->n_todo : size;
    dealing->n_groups = n > 0 ? (int)n : 1;
    dealing->group = (int)((size_t)comm->rank * (size_t)dealing->n_groups / size);
    return STATUS_OK;
}

/* Collective. */
static status plan(const struct communicator *comm, struct dealing *dealing)
{
    struct sweep *sweep = &dealing->sweep;
    status outcome =
        memory_alloc(&dealing->todo, sweep->n_runs, sizeof *dealing->todo, "the list of runs");
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    if (comm->rank == 0) {
        find_todo(dealing);
        outcome = check_first_run(comm, dealing);
    }
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    communicator_broadcast(comm, &dealing->n_todo, sizeof dealing->n_todo);
    communicator_broadcast(comm, dealing->todo, dealing->n_todo * sizeof *dealing->todo);
    return make_groups(comm, dealing);
}

static void show_plan(const struct communicator *comm, const struct dealing *dealing)
{
    const struct sweep *sweep = &dealing->sweep;
    const struct options *options = sweep->options;
    log_info("sweep    %zu setting%s x %ld seed%s = %zu run%s, %zu to do%s", sweep->n_settings,
             sweep->n_settings == 1 ? "" : "s", options->seeds, options->seeds == 1 ? "" : "s",
             sweep->n_runs, sweep->n_runs == 1 ? "" : "s", dealing->n_todo,
             options->array_size > 0 ? " in this part" : "");
    if (dealing->n_groups == 1)
        log_info("ranks    %d, all working on one run after the other", comm->size);
    else
        log_info("ranks    %d in %d groups, each with a run and a copy of the data of its own",
                 comm->size, dealing->n_groups);
    if ((size_t)dealing->n_groups > dealing->n_todo && dealing->n_todo > 0)
        log_warning("%zu of %d groups have nothing to do: use fewer ranks, or more --ranks-per-run",
                    (size_t)dealing->n_groups - dealing->n_todo, dealing->n_groups);
    for (size_t i = 0; options->dry_run && i < dealing->n_todo; i++) {
        char name[512];
        sweep_run_name(sweep, dealing->todo[i], name, sizeof name);
        log_info("  group %-3zu %s", i % (size_t)dealing->n_groups, name);
    }
    log_info("output   %s%s", options->output,
             options->dry_run ? " (dry run: nothing is written)" : "");
}

/* Root of a group. A result that cannot be written is the failure of this run. */
static status keep_result(const struct dealing *dealing, size_t run, const char *name,
                          status outcome, const struct selection *selection)
{
    char path[PATH_MAX];
    struct sweep_result result = {.state = outcome == STATUS_OK ? RUN_FINISHED : RUN_FAILED,
                                  .selection = *selection};
    snprintf(result.message, sizeof result.message, "%s", status_text());
    sweep_run_path(&dealing->sweep, run, path, sizeof path);
    status written = sweep_result_write(path, &result);
    if (outcome != STATUS_OK)
        log_warning("run %s has failed: %s", name, result.message);
    if (written != STATUS_OK)
        log_warning("run %s: its result is lost: %s", name, status_text());
    char valid[64] = "";
    if (!isnan(selection->nll_valid))
        snprintf(valid, sizeof valid, ", validation nll %.6g", selection->nll_valid);
    if (outcome == STATUS_OK && written == STATUS_OK)
        log_info("run %s: nll %.6g%s, %.0f epochs, %.1f s", name, selection->nll, valid,
                 selection->epochs, selection->seconds);
    return status_first(outcome, written);
}

/* Collective over the part. STATUS_STOPPED: no further run is to be begun. */
static status do_run(const struct communicator *part, const struct dealing *dealing, size_t run)
{
    const struct options *all = dealing->sweep.options;
    struct options options = {0};
    struct selection selection = {0};
    char name[512];
    sweep_run_name(&dealing->sweep, run, name, sizeof name);
    status outcome = communicator_agree(part, sweep_run_options(&dealing->sweep, run, &options));
    if (outcome == STATUS_OK && all->time_limit > 0) {
        const double least = 1; /* seconds that are worth beginning a run */
        double left = all->time_limit - clock_since_start();
        communicator_broadcast(part, &left, sizeof left);
        if (left < least)
            outcome = status_set(STATUS_STOPPED, "--time-limit is near");
    }
    if (outcome == STATUS_OK) {
        log_set_quiet(true);
        log_set_subject(name);
        outcome = train_run(part, &options, &selection);
        log_set_subject(NULL);
        log_set_quiet(all->quiet);
    }
    options_release(&options);
    if (part->rank == 0 && outcome != STATUS_STOPPED)
        outcome = keep_result(dealing, run, name, outcome, &selection);
    return communicator_agree(part, outcome);
}

/* Collective over the part. Adds up what became of the group's runs. */
static void do_runs(const struct communicator *part, const struct dealing *dealing,
                    int64_t *n_failed, int64_t *n_stopped)
{
    size_t step = (size_t)dealing->n_groups;
    for (size_t i = (size_t)dealing->group; i < dealing->n_todo; i += step) {
        status outcome = do_run(part, dealing, dealing->todo[i]);
        if (part->rank == 0 && outcome == STATUS_STOPPED)
            *n_stopped += 1;
        else if (part->rank == 0 && outcome != STATUS_OK)
            *n_failed += 1;
        if (outcome == STATUS_STOPPED)
            break;
    }
}

/*
 * Collective. Each group is watched by itself: those who have finished must not hide, or be taken
 * for, a rank that hangs.
 */
static status train_all(const struct communicator *comm, const struct dealing *dealing)
{
    struct communicator part = {0};
    int64_t counts[2] = {0, 0};
    status outcome = watchdog_set(comm, 0, NULL);
    if (outcome == STATUS_OK)
        outcome = communicator_split(comm, dealing->group, &part);
    if (outcome != STATUS_OK) {
        communicator_release(&part);
        return outcome;
    }
    log_set_rank(part.rank);
    outcome = watchdog_start(&part, dealing->sweep.options->hang_timeout);
    if (outcome == STATUS_OK)
        do_runs(&part, dealing, &counts[0], &counts[1]);
    watchdog_stop(&part);
    log_set_rank(comm->rank);
    communicator_wait(comm);
    communicator_release(&part);
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    communicator_sum(comm, counts, 2);
    if (counts[1] > 0)
        return status_set(STATUS_STOPPED, "stopped; the same command continues the sweep");
    if (counts[0] > 0)
        return status_set(
            STATUS_FAILED,
            "%lld of %zu run%s failed for the reasons above; the same command tries them again",
            (long long)counts[0], dealing->n_todo, dealing->n_todo == 1 ? "" : "s");
    return STATUS_OK;
}

/* Collective. */
static status sweep_all(const struct communicator *comm, struct dealing *dealing)
{
    const struct options *options = dealing->sweep.options;
    status outcome = STATUS_OK, trained = STATUS_OK;
    if (!options->table)
        outcome = plan(comm, dealing);
    if (outcome == STATUS_OK && !options->table)
        show_plan(comm, dealing);
    if (outcome != STATUS_OK || options->dry_run)
        return outcome;
    char finished[64];
    snprintf(finished, sizeof finished, "finished-%ld-of-%ld", (long)options->array_index,
             options->array_size > 0 ? (long)options->array_size : 1);
    int lock = -1;
    if (comm->rank == 0) {
        if (!options->table)
            outcome = sweep_lock(&dealing->sweep, dealing->todo, dealing->n_todo, &lock);
        if (outcome == STATUS_OK && !options->table)
            run_directory_unmark_finished(options->output, finished);
        if (outcome == STATUS_OK && !options->table)
            outcome = sweep_record_write(options);
    }
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK && dealing->n_todo > 0)
        trained = train_all(comm, dealing);
    if (outcome == STATUS_OK && comm->rank == 0) {
        char reason[512];
        snprintf(reason, sizeof reason, "%s", status_text());
        outcome = sweep_table(&dealing->sweep);
        if (outcome == STATUS_OK && trained != STATUS_OK)
            outcome = status_set(trained, "%s", reason);
        if (outcome == STATUS_OK && !options->table)
            run_directory_mark_finished(options->output, finished, "this part of the sweep");
    }
    outcome = communicator_agree(comm, outcome);
    if (lock >= 0)
        close(lock);
    return outcome;
}

/*
 * Collective. Trains with every setting of a grid, on parts of the ranks. STATUS_STOPPED if asked
 * to stop before all were done, else STATUS_FAILED if a run has failed.
 */
static status run_sweep(const struct communicator *comm, struct options *options)
{
    struct dealing dealing = {0};
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = sweep_open(options);
    outcome = options_share(comm, outcome, options);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = communicator_agree(comm, sweep_init(&dealing.sweep, options));
    if (outcome == STATUS_OK)
        outcome = sweep_all(comm, &dealing);
    sweep_release(&dealing.sweep);
    memory_free(&dealing.todo);
    return outcome;
}

const struct command_entry sweep_command = {
    .name = "sweep",
    .required = {"output"},
    .usage = "coterie sweep --output DIR --grid NAME=VALUES ... [options of train]",
    .summary = "trains every setting of a grid and ranks them by held-out likelihood",
    .examples = "  mpirun -n 8 coterie sweep --output s --grid experts=2,4,8 \\\n"
                "      --grid learning-rate=0.1,0.01 --seeds 5 \\\n"
                "      --data wine.csv --valid 0.2 --epochs 200\n"
                "  mpirun -n 8 coterie sweep --output s       continues an interrupted sweep\n"
                "  coterie sweep --output s --table           the results so far\n"
                "  coterie sweep --output s --index 3 --of 10     a task of a job array\n\n"
                "The table has a row for each setting: mean and standard deviation over its\n"
                "seeds of nll, the mean of -log p(d|x), of the validation samples, and for the n\n"
                "training samples\n"
                "  BIC = 2 n nll + k ln n       k free parameters; Schwarz 1978\n"
                "  ICL = BIC - 2 sum h ln h     h posteriors; Biernacki et al. 2000\n"
                "each with the parameters of the lowest validation error. Less is better.\n",
    .stops_on_request = true,
    .run = run_sweep,
};
