/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"

#include "submit_internal.h"

#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/*
 * The environment that this process was started with: MPI has added variables to the present one,
 * which would go with the job and mislead the ranks in it. *text owns what *variables points into.
 */
static status first_environment(char **text, char ***variables)
{
    size_t size = 0, n = 0;
    FILE *file = fopen("/proc/self/environ", "r");
    FILE *copy = open_memstream(text, &size);
    for (int c; file && copy && (c = getc(file)) != EOF;)
        putc(c, copy);
    if (file)
        fclose(file);
    if (!copy || fclose(copy) != 0)
        return status_set(STATUS_FAILED, "not enough memory for the environment");
    for (size_t i = 0; i < size; i++)
        n += (*text)[i] == '\0';
    status outcome = memory_alloc(variables, n + 1, sizeof **variables, "the environment");
    char *at = *text;
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++, at += strlen(at) + 1)
        (*variables)[i] = at;
    return outcome;
}

static status wait_for_sbatch(pid_t child, const char *path)
{
    int end = 0;
    while (waitpid(child, &end, 0) < 0)
        if (errno != EINTR)
            return status_set(STATUS_FAILED, "sbatch: %s", strerror(errno));
    if (WIFSIGNALED(end))
        return status_set(
            STATUS_FAILED,
            "sbatch was ended by a signal (%s); `squeue --me` tells whether the job is "
            "there, else submit it by `sbatch %s`",
            strsignal(WTERMSIG(end)), path);
    return end == 0 ? STATUS_OK
                    : status_set(STATUS_FAILED, "sbatch refused %s for the reason above", path);
}

status submit_now(const char *path)
{
    char *text = NULL, **environment = NULL;
    pid_t child;
    status outcome = first_environment(&text, &environment);
    char *const command[] = {"sbatch", (char *)path, NULL};
    if (outcome == STATUS_OK) {
        int error = posix_spawnp(&child, "sbatch", NULL, NULL, command, environment);
        if (error != 0)
            outcome = status_set(STATUS_FAILED, "cannot start sbatch: %s; is Slurm on the PATH?",
                                 strerror(error));
        else
            outcome = wait_for_sbatch(child, path);
    }
    memory_free(&environment);
    memory_free(&text);
    return outcome;
}

/* Root. What follows `--`, with the command where it is named. */
static status read_words(const struct options *options, struct job *job)
{
    const struct string_list *words = &options->positional;
    const char *first = words->n > 0 ? words->item[0] : "";
    bool is_named = strcmp(first, "train") == 0 || strcmp(first, "sweep") == 0;
    *job = (struct job){.options = options,
                        .is_sweep = strcmp(first, "sweep") == 0,
                        .word = words->item + (is_named ? 1 : 0),
                        .n_words = words->n - (is_named ? 1 : 0)};
    if (words->n == 0)
        return status_set(STATUS_USAGE, "what is to be trained? Give its options after --, as in "
                                        "`coterie submit --nodes 2 -- --data "
                                        "d.h5 --output run`");
    if (options->array_size > 0 && !job->is_sweep)
        return status_set(STATUS_USAGE,
                          "--array is for a sweep: `coterie submit --array %ld -- "
                          "sweep --grid ...`",
                          options->array_size);
    if (strpbrk(options->job_name, " /\n"))
        return status_set(STATUS_USAGE, "--job-name must be one word without slashes, not %s",
                          options->job_name);
    return STATUS_OK;
}

/* How the script is submitted, as it can be typed. */
static status show_command(const char *path)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return status_set(STATUS_FAILED, "not enough memory for a message");
    submit_put_word(stream, path);
    fclose(stream);
    log_info("script   %s: submit it by `sbatch %s`", path, text ? text : path);
    memory_free(&text);
    return STATUS_OK;
}

/* Root. */
static status submit(const struct communicator *comm, const struct options *options)
{
    struct job job;
    char path[4096];
    status outcome = read_words(options, &job);
    if (outcome == STATUS_OK)
        outcome = submit_check(comm, &job);
    if (outcome != STATUS_OK)
        return outcome;
    if (options->script)
        snprintf(path, sizeof path, "%s", options->script);
    else
        snprintf(path, sizeof path, "%s.sbatch", options->job_name);
    outcome = submit_write(&job, path);
    if (outcome != STATUS_OK)
        return outcome;
    log_info("checked  data and options of the %s", job.is_sweep ? "sweep" : "training");
    log_info("job      %ld node%s x %ld rank%s, about %.0f MiB of memory on a node", options->nodes,
             options->nodes == 1 ? "" : "s", options->tasks_per_node,
             options->tasks_per_node == 1 ? "" : "s", job.memory / 0x1p20);
    if (options->now) {
        log_info("script   %s", path);
        return submit_now(path);
    }
    return show_command(path);
}

/* Collective. Writes a batch script for Slurm, and submits it if asked to. */
static status run_submit(const struct communicator *comm, struct options *options)
{
    status outcome = comm->rank == 0 ? submit(comm, options) : STATUS_OK;
    return communicator_agree(comm, outcome);
}

const struct command_entry submit_command = {
    .name = "submit",
    .usage = "coterie submit [options] -- [train|sweep] [options of it]",
    .summary = "checks a training and writes the batch script for Slurm",
    .examples = "  coterie submit --nodes 2 --tasks-per-node 16 --time 8h -- \\\n"
                "      --data d.h5 --output run\n"
                "  coterie submit --tasks-per-node 8 --time 1d --now -- \\\n"
                "      --config run.yaml --output run\n"
                "  coterie submit --array 10 --tasks-per-node 8 --time 4h --now -- \\\n"
                "      sweep --output s --grid experts=2,4,8 --seeds 5 --data d.h5 --valid 0.2\n\n"
                "Data and options are checked as by `coterie train --dry-run`. The script does\n"
                "what slurm/train.sbatch (or sweep.sbatch) does: it saves and queues itself again\n"
                "before the time limit and continues after it. It runs in the folder where it was\n"
                "written.\n",
    .takes_rest = true,
    .run = run_submit,
};
