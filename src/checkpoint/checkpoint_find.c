/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint/checkpoint.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

status checkpoint_find(const char *path, char *found, size_t size)
{
    static const char *const places[] = {"checkpoints/best", "checkpoints/latest", "best",
                                         "latest"};
    struct stat about;
    int length = snprintf(found, size, "%s", path);
    bool is_folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    for (size_t i = 0; i < sizeof places / sizeof places[0] && is_folder; i++) {
        length = snprintf(found, size, "%s/%s", path, places[i]);
        if (length > 0 && (size_t)length < size && access(found, F_OK) == 0)
            return STATUS_OK;
    }
    if (length < 0 || (size_t)length >= size)
        return status_set(STATUS_USAGE, "the path is too long: %.200s...", path);
    return is_folder ? status_set(STATUS_USAGE, "there is no checkpoint in the folder %s", path)
                     : STATUS_OK;
}
