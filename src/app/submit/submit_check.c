/* SPDX-License-Identifier: BSD-3-Clause */
#include "submit_internal.h"

#include "app/sweep/sweep_internal.h"
#include "app/train/train_internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

/* The most memory that this process has had, in bytes. */
static double peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024;
}

/* How the ranks of a node share the work: all in one run, or in groups with a run each. */
struct layout {
    int groups_per_node, nodes_per_group, ranks_per_node;
};

static struct layout find_layout(const struct options *job, const struct options *train)
{
    int tasks = (int)job->tasks_per_node;
    if (train->command == COMMAND_TRAIN)
        return (struct layout){1, (int)job->nodes, tasks};
    int ranks = train->ranks_per_run > 0 ? (int)train->ranks_per_run : 1;
    if (ranks >= tasks)
        return (struct layout){1, (ranks + tasks - 1) / tasks, tasks};
    return (struct layout){(tasks + ranks - 1) / ranks, 1, ranks};
}

/*
 * Prepares a training as `train` would, and measures on the way what reading takes: this process
 * grows by it. `most` becomes the need of a node if it is more.
 */
static status check_training(const struct communicator *comm, const struct layout *layout,
                             struct options *options, double *most)
{
    struct training training;
    struct memory_need need;
    double before = peak_memory();
    options->dry_run = true;
    status outcome = train_prepare(comm, options, &training);
    if (outcome == STATUS_OK)
        outcome = plan_memory(&training, layout->nodes_per_group, layout->ranks_per_node, &need);
    if (outcome == STATUS_OK) {
        double reading = peak_memory() - before;
        double of_group = need.data + need.node + reading + layout->ranks_per_node * before;
        *most = fmax(*most, layout->groups_per_node * of_group);
    }
    train_release(&training);
    return outcome;
}

/* A setting that cannot be trained is only a failed run; if none can be, the sweep is at fault. */
static status check_sweep(const struct communicator *comm, const struct layout *layout,
                          const struct options *options, double *most)
{
    struct sweep sweep;
    status outcome = sweep_init(&sweep, options);
    status all = STATUS_OK;
    for (size_t s = 0; s < sweep.n_settings && outcome == STATUS_OK; s++) {
        struct options run = {0};
        outcome = sweep_run_options(&sweep, s * (size_t)options->seeds, &run);
        if (outcome == STATUS_OK)
            all = check_training(comm, layout, &run, most);
        options_release(&run);
    }
    sweep_release(&sweep);
    return outcome == STATUS_OK && *most == 0 ? all : outcome;
}

/* The command line behind `--`, as the program will read it in the job. */
static status parse(const struct job *job, struct options *options)
{
    char **argv = NULL;
    bool help = false;
    const char *name = command_table[options->command]->name;
    status outcome =
        memory_alloc(&argv, job->n_words + 2, sizeof *argv, "the words of the command");
    if (outcome != STATUS_OK)
        return outcome;
    argv[0] = (char *)name;
    for (size_t i = 0; i < job->n_words; i++)
        argv[i + 1] = job->word[i];
    outcome = options_parse(options, (int)job->n_words + 1, argv, &help);
    if (outcome == STATUS_OK && help)
        outcome = status_set(STATUS_USAGE,
                             "--help stands before the --, or say `coterie %s --help`", name);
    memory_free(&argv);
    return outcome;
}

status submit_check(const struct communicator *comm, struct job *job)
{
    const double slack = 1.2, least = 64 * 0x1p20;
    struct options options = {0};
    double most = 0;
    status outcome = options_init(&options, job->is_sweep ? COMMAND_SWEEP : COMMAND_TRAIN);
    if (outcome == STATUS_OK)
        outcome = parse(job, &options);
    struct layout layout = find_layout(job->options, &options);
    if (outcome == STATUS_OK && job->is_sweep) {
        outcome = sweep_open(&options);
        if (outcome == STATUS_OK)
            outcome = check_sweep(comm, &layout, &options, &most);
    } else if (outcome == STATUS_OK) {
        /* The script says --resume auto where nothing is said. Without --output it gives each job a
         * new directory, where there is nothing to resume. */
        if (options.output && !options_is_set(&options, "resume"))
            outcome = options_set(&options, "resume", "auto", "submit");
        if (outcome == STATUS_OK)
            outcome = check_training(comm, &layout, &options, &most);
    }
    job->memory = slack * most + least;
    options_release(&options);
    return outcome;
}
