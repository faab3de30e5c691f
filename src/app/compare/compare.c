/* SPDX-License-Identifier: BSD-3-Clause */
#include "comparison.h"

#include "app/options/command.h"
#include "base/memory.h"

/* Root, with a communicator of its own. */
static status compare(const struct communicator *comm, const struct options *options)
{
    const struct string_list *names = &options->positional;
    struct comparison comparison = {0};
    status outcome =
        memory_alloc(&comparison.run, names->n, sizeof *comparison.run, "the runs to compare");
    while (comparison.n < names->n && outcome == STATUS_OK) {
        struct compared_run *run = &comparison.run[comparison.n];
        outcome = compared_run_read(names->item[comparison.n++], run);
        if (outcome == STATUS_OK && options->data)
            outcome = compared_run_judge(comm, options->data, run);
    }
    if (outcome == STATUS_OK) {
        comparison_order(&comparison);
        if (options->json)
            comparison_print_json(&comparison);
        else
            comparison_print(&comparison);
    }
    for (size_t i = 0; i < comparison.n; i++)
        compared_run_release(&comparison.run[i]);
    memory_free(&comparison.run);
    return outcome;
}

/* Collective. By rank 0 alone. */
static status run_compare(const struct communicator *comm, struct options *options)
{
    struct communicator alone;
    if (comm->size == 1)
        return compare(comm, options);
    status outcome = communicator_split(comm, comm->rank == 0 ? 0 : 1, &alone);
    if (outcome == STATUS_OK) {
        if (comm->rank == 0)
            outcome = compare(&alone, options);
        communicator_release(&alone);
    }
    return communicator_agree(comm, outcome);
}

const struct command_entry compare_command = {
    .name = "compare",
    .positional = {"RUN"},
    .usage = "coterie compare RUN... [options]",
    .summary = "sets runs beside each other, and says whether the same samples judge them",
    .examples = "  coterie compare runs/*                   by what each run held out\n"
                "  coterie compare a b --data new.csv       all on the same samples\n",
    .takes_rest = true,
    .run = run_compare,
};
