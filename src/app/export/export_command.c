/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/export/export_command.h"

#include "base/log.h"
#include "export/export.h"

/* Root. */
static status export_to(const char *checkpoint, const char *path)
{
    char said[512] = "";
    status outcome = export_model(checkpoint, path, said, sizeof said);
    if (outcome == STATUS_OK)
        log_info("%s: %s", path, said);
    return outcome;
}

status export_command(const struct communicator *comm, struct options *options)
{
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = export_to(options->positional.item[0], options->positional.item[1]);
    return communicator_agree(comm, outcome);
}
