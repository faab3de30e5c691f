/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"
#include "base/log.h"
#include "comm/communicator.h"
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

/* Collective: the work is rank 0's. */
static status run_export(const struct communicator *comm, struct options *options)
{
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = export_to(options->positional.item[0], options->positional.item[1]);
    return communicator_agree(comm, outcome);
}

const struct command_entry export_command = {
    .name = "export",
    .positional = {"CHECKPOINT", "OUT"},
    .usage = "coterie export CHECKPOINT OUT",
    .summary = "writes a trained mixture for other programs: .onnx, .npz or .c",
    .examples = "  coterie export run surface.c             C99 that needs libm only\n"
                "  coterie export run model.onnx            for ONNX Runtime and others\n"
                "  coterie export run/checkpoints/latest arrays.npz     for NumPy\n",
    .run = run_export,
};
