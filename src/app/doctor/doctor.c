/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include "app/options/command.h"
#include "app/options/options.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In the order in which a newcomer meets the troubles: start, speed, memory, files. */
static const struct {
    const char *name;
    void (*check)(const struct survey *survey, struct finding *finding);
} checks[] = {
    {"launch", check_launch},        {"root", check_root},
    {"hosts alike", check_likeness}, {"clocks", check_clocks},
    {"lost hosts", check_keepalive}, {"ranks and cores", check_crowding},
    {"binding", check_binding},      {"BLAS kernel", check_kernel},
    {"BLAS threads", check_threads}, {"speed", check_rate},
    {"memory", check_memory},        {"shared memory", check_shared_memory},
    {"leftovers", check_leftovers},  {"temporary files", check_temporary},
    {"limits", check_limits},        {"output", check_output},
    {"file locks", check_locks},     {"file system", check_file_system},
    {"links", check_links},          {"durability", check_durability},
    {"disk space", check_space},
};

static int by_host(const void *a, const void *b)
{
    const struct rank_facts *left = a, *right = b;
    if (left->node != right->node)
        return left->node < right->node ? -1 : 1;
    return left->node_rank < right->node_rank ? -1 : left->node_rank > right->node_rank;
}

/* The second and further lines of a fix are as far to the right as the first. */
static void print_fix(const char *fix)
{
    for (const char *line = fix; *line;) {
        size_t length = strcspn(line, "\n");
        log_info("        %.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* Root. Looks at everything, so that one visit shows all that is to be done. */
static status judge(const struct survey *survey)
{
    static const char *const words[] = {
        [VERDICT_OK] = "ok", [VERDICT_ADVICE] = "advice", [VERDICT_FIX] = "FIX"};
    const int n_checks = (int)(sizeof checks / sizeof *checks);
    /* Processes of one launch that do not know each other would all say the same. */
    const int number = survey->rank[0].launch.number;
    const bool is_echo = survey->n_ranks == 1 && number > 0;
    int n[3] = {0, 0, 0};
    for (int c = 0; c < n_checks; c++) {
        struct finding finding = {.verdict = VERDICT_OK};
        checks[c].check(survey, &finding);
        n[finding.verdict]++;
        if (is_echo)
            continue;
        log_info("%-8s%s: %s", words[finding.verdict], checks[c].name, finding.seen);
        print_fix(finding.fix);
    }
    if (is_echo)
        log_info("process %d stands alone like process 0, which reports", number);
    else
        log_info("%d checks on %d %s, %d %s: %d to fix, %d with advice, %d ok", n_checks,
                 survey->n_ranks, survey->n_ranks == 1 ? "rank" : "ranks", survey->n_hosts,
                 survey->n_hosts == 1 ? "host" : "hosts", n[VERDICT_FIX], n[VERDICT_ADVICE],
                 n[VERDICT_OK]);
    if (n[VERDICT_FIX] == 0)
        return STATUS_OK;
    return status_set(STATUS_FAILED,
                      "%d of %d checks found what must be fixed; the lines that begin with FIX say "
                      "how",
                      n[VERDICT_FIX], n_checks);
}

/* Collective. All ranks' facts to rank 0, in `all` (size). */
static void collect(const struct communicator *comm, struct rank_facts *own, struct rank_facts *all)
{
    struct timespec now;
    communicator_barrier(comm);
    clock_gettime(CLOCK_REALTIME, &now);
    own->time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    communicator_gather(comm, own, all, sizeof *own);
}

/*
 * Collective. What in this environment will hurt, with the fix; STATUS_FAILED if something must be
 * fixed.
 */
static status run_doctor(const struct communicator *comm, struct options *options)
{
    struct rank_facts own;
    struct survey survey = {.n_ranks = comm->size, .n_hosts = comm->n_nodes};
    status outcome = STATUS_OK;
    examine_rank(comm, &own);
    if (comm->rank == 0)
        outcome = memory_alloc(&survey.rank, (size_t)comm->size, sizeof own, "the survey");
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK) {
        collect(comm, &own, survey.rank);
        if (comm->rank == 0) {
            qsort(survey.rank, (size_t)comm->size, sizeof own, by_host);
            examine_output(options->output, &survey.output);
            outcome = judge(&survey);
        }
        outcome = communicator_agree(comm, outcome);
    }
    memory_free(&survey.rank);
    return outcome;
}

const struct command_entry doctor_command = {
    .name = "doctor",
    .usage = "coterie doctor [options]",
    .summary = "checks this machine or job for what slows or stops runs, and gives the fix",
    .examples = "  coterie doctor\n"
                "  mpirun -n 4 coterie doctor --output /scratch/me/run\n"
                "  srun --mpi=pmix coterie doctor\n",
    .run = run_doctor,
};
