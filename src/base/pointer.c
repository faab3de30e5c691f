/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/pointer.h"

#include "base/fresh_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 255 };

static status set_text(const char *path, const char *name)
{
    struct fresh_file file = {0};
    status outcome = fresh_file_open(&file, path);
    if (outcome != STATUS_OK)
        return outcome;
    if (fprintf(file.stream, "%s\n", name) < 0)
        outcome = status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
    return fresh_file_publish(&file, outcome);
}

status pointer_set(const char *folder, const char *pointer, const char *name, bool *as_text)
{
    char path[PATH_MAX], fresh[PATH_MAX + 8];
    *as_text = false;
    if (snprintf(path, sizeof path, "%s/%s", folder, pointer) >= (int)sizeof path)
        return status_set(STATUS_FAILED, "the path of %s in %s is too long", pointer, folder);
    snprintf(fresh, sizeof fresh, "%s.tmp", path);
    unlink(fresh);
    if (symlink(name, fresh) == 0) {
        int cause = fresh_file_replace(fresh, path);
        /* What it led to before may be removed next: the new one must not be lost then. */
        if (cause == 0)
            return fresh_file_sync_folder(path);
        unlink(fresh);
        return status_set(STATUS_FAILED, "cannot make the link %s: %s", path, strerror(cause));
    }
    /* Each file system has an error of its own for this; where all writing fails, so will that. */
    *as_text = true;
    return set_text(path, name);
}

/* The first line of a small text file; false if it is none, or names no file of the folder. */
static bool read_text(const char *path, char name[static LONGEST_NAME + 2])
{
    struct stat about;
    if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > LONGEST_NAME + 1)
        return false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t length = read(file, name, LONGEST_NAME + 1);
    close(file);
    name[length > 0 ? length : 0] = '\0';
    size_t end = strcspn(name, "\r\n");
    bool is_name = end > 3 && strcmp(name + end, "\n") == 0;
    name[end] = '\0';
    return is_name && !strchr(name, '/') && strcmp(name + end - 3, ".h5") == 0;
}

void pointer_get(const char *folder, const char *pointer, char name[static PATH_MAX])
{
    char path[PATH_MAX];
    name[0] = '\0';
    if (snprintf(path, sizeof path, "%s/%s", folder, pointer) >= (int)sizeof path)
        return;
    ssize_t length = readlink(path, name, PATH_MAX - 1);
    if (length >= 0)
        name[length] = '\0';
    else if (!read_text(path, name))
        name[0] = '\0';
}

void pointer_follow(const char *path, char found[static PATH_MAX])
{
    const char *slash = strrchr(path, '/'), *own = slash ? slash + 1 : path;
    char name[LONGEST_NAME + 2];
    int folder = (int)(own - path);
    bool may_be = strcmp(own, "latest") == 0 || strcmp(own, "best") == 0;
    if (!may_be || !read_text(path, name) ||
        snprintf(found, PATH_MAX, "%.*s%s", folder, path, name) >= PATH_MAX)
        snprintf(found, PATH_MAX, "%s", path);
}
