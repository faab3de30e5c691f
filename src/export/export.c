/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/export.h"

#include "export_format.h"

#include "base/fresh_file.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct export_format *const formats[] = {&export_onnx, &export_npz, &export_c};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

static const struct export_format *format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < N_FORMATS; i++)
        if (strcasecmp(dot, formats[i]->ending) == 0)
            return formats[i];
    return NULL;
}

static status no_such_format(const char *path)
{
    char endings[64] = "";
    for (size_t i = 0; i < N_FORMATS; i++)
        snprintf(endings + strlen(endings), sizeof endings - strlen(endings), "%s%s",
                 i == 0               ? ""
                 : i + 1 == N_FORMATS ? " or "
                                      : ", ",
                 formats[i]->ending);
    return status_set(STATUS_USAGE, "%s: the ending of the name decides the format: use %s", path,
                      endings);
}

status export_check(const char *path)
{
    const struct export_format *format = format_of(path);
    char folder[PATH_MAX];
    if (!format)
        return no_such_format(path);
    if (!format->write)
        return status_set(STATUS_USAGE,
                          "%s: this coterie was built without %s, which writes %s files; install "
                          "it and build again",
                          path, format->library, format->ending);
    if (access(path, F_OK) == 0)
        return status_set(STATUS_USAGE, "%s: exists already; remove it or choose another name",
                          path);
    snprintf(folder, sizeof folder, "%s", path);
    if (access(dirname(folder), W_OK) != 0)
        return status_set(STATUS_USAGE, "%s: its folder cannot be written to: %s", path,
                          strerror(errno));
    return STATUS_OK;
}

status export_model(const char *checkpoint, const char *path, char *said, size_t size)
{
    struct exported_model model;
    struct fresh_file fresh;
    const struct export_format *format = format_of(path);
    status outcome = export_check(path);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = exported_model_open(checkpoint, format->holds_the_model, &model);
    if (outcome == STATUS_OK) {
        outcome = fresh_file_begin(&fresh, path);
        if (outcome == STATUS_OK)
            outcome = format->write(&model, fresh.unfinished, path, said, size);
        outcome = fresh_file_end(&fresh, FRESH_FILE_IS_NEW, outcome);
    }
    struct status_kept kept;
    status_keep(outcome, &kept);
    exported_model_release(&model);
    return status_restore(&kept, STATUS_OK);
}
