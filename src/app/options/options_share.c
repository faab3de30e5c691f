/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/options.h"

#include "base/memory.h"
#include "comm/communicator.h"

status options_share(const struct communicator *comm, status at_root, struct options *options)
{
    char *text = NULL;
    status outcome = at_root;
    if (comm->rank == 0 && outcome == STATUS_OK && options->is_set)
        outcome = options_to_text(options, &text);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = communicator_broadcast_text(comm, &text);
    if (outcome == STATUS_OK && comm->rank != 0 && text) {
        options_release(options);
        outcome = options_from_text(options, text);
    }
    memory_free(&text);
    return communicator_agree(comm, outcome);
}
