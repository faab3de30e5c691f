/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train.h"
#include "base/memory.h"

status train_share_options(const struct communicator *comm, struct options *options)
{
    char *text = NULL;
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = options_to_text(options, &text);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = communicator_broadcast_text(comm, &text);
    if (outcome == STATUS_OK && comm->rank != 0) {
        options_release(options);
        outcome = options_from_text(options, text);
    }
    memory_free(&text);
    return communicator_agree(comm, outcome);
}
