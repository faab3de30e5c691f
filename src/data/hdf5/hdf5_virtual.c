/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_internal.h"

#include "base/memory.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Virtual data sets of virtual data sets, and blocks looked for behind one that is gone. */
enum { DEEPEST = 8, LONGEST_GAP = 100 };

/* A part of a virtual data set: which elements of it lie where. */
struct part {
    char *file_name, *dataset; /* owned */
    hid_t here, there;         /* the elements */
};

const char *hdf5_prefix(const struct hdf5_file *file, const char *variable, char folder[PATH_MAX])
{
    static const char origin[] = "${ORIGIN}";
    const char *prefix = getenv(variable);
    if (!prefix || strncmp(prefix, origin, strlen(origin)) != 0)
        return prefix ? prefix : "";
    char beside[PATH_MAX];
    snprintf(beside, sizeof beside, "%s", file->path);
    int length = snprintf(folder, PATH_MAX, "%s%s", dirname(beside), prefix + strlen(origin));
    return length < PATH_MAX ? folder : "";
}

static status part_open(const struct hdf5_file *file, hid_t creation, size_t i, struct part *part)
{
    ssize_t file_length = H5Pget_virtual_filename(creation, i, NULL, 0);
    ssize_t name_length = H5Pget_virtual_dsetname(creation, i, NULL, 0);
    *part = (struct part){.here = H5Pget_virtual_vspace(creation, i),
                          .there = H5Pget_virtual_srcspace(creation, i)};
    status outcome = file_length < 0 || name_length < 0
                         ? status_set(STATUS_USAGE,
                                      "%s: damaged, the list of the parts of a "
                                      "virtual data set cannot be read",
                                      file->path)
                         : STATUS_OK;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&part->file_name, (size_t)file_length + 1, 1, "a name");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&part->dataset, (size_t)name_length + 1, 1, "a name");
    if (outcome != STATUS_OK)
        return outcome;
    H5Pget_virtual_filename(creation, i, part->file_name, (size_t)file_length + 1);
    H5Pget_virtual_dsetname(creation, i, part->dataset, (size_t)name_length + 1);
    return STATUS_OK;
}

static void part_close(struct part *part)
{
    H5Sclose(part->here);
    H5Sclose(part->there);
    memory_free(&part->file_name);
    memory_free(&part->dataset);
}

static bool is_there(const char *folder, const char *name, char path[2 * PATH_MAX])
{
    snprintf(path, 2 * PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", name);
    return access(path, R_OK) == 0;
}

/* Where the library looks: as it is named, by HDF5_VDS_PREFIX, beside the file or what it links to.
 */
static bool find_source(const struct hdf5_file *file, const char *name, char path[2 * PATH_MAX])
{
    char folder[PATH_MAX], real[PATH_MAX], origin[PATH_MAX];
    const char *prefix = hdf5_prefix(file, "HDF5_VDS_PREFIX", origin);
    snprintf(folder, sizeof folder, "%s", file->path);
    const char *beside = dirname(folder);
    if (name[0] == '/') {
        if (is_there("", name, path))
            return true;
        name = strrchr(name, '/') + 1;
    }
    if ((*prefix && is_there(prefix, name, path)) || is_there(beside, name, path) ||
        is_there("", name, path))
        return true;
    return realpath(file->path, real) && is_there(dirname(real), name, path);
}

static bool is_unlimited(hid_t space)
{
    return H5Sget_select_npoints(space) == (hssize_t)H5S_UNLIMITED;
}

/* Whether a source's space has the elements that are taken from it: a selection, or all. */
static bool has_elements(hid_t space, const struct part *part)
{
    hsize_t first[H5S_MAX_RANK], last[H5S_MAX_RANK], dims[H5S_MAX_RANK];
    if (is_unlimited(part->there))
        return true;
    if (H5Sget_select_type(part->there) != H5S_SEL_HYPERSLABS)
        return H5Sget_simple_extent_npoints(space) >= H5Sget_select_npoints(part->here);
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank != H5Sget_simple_extent_ndims(part->there) ||
        H5Sget_select_bounds(part->there, first, last) < 0)
        return false;
    for (int d = 0; d < rank; d++)
        if (last[d] >= dims[d])
            return false;
    return true;
}

/* The data set of a source, and that it has the elements that are taken from it. */
static status check_source(struct hdf5_file *file, const char *name, struct hdf5_file *source,
                           const struct part *part, struct hdf5_level level)
{
    hid_t dataset = H5I_INVALID_HID;
    if (!hdf5_exists(source, part->dataset))
        return status_set(STATUS_USAGE,
                          "%s, '%s': a part of it is the data set '%s' of %s, which is not in that "
                          "file; bring the right file back",
                          file->path, name, part->dataset, source->path);
    status outcome = hdf5_open_dataset(source, part->dataset, &dataset);
    if (outcome != STATUS_OK)
        return outcome;
    hid_t space = H5Dget_space(dataset);
    bool has_all = has_elements(space, part);
    H5Sclose(space);
    if (!has_all)
        return status_set(
            STATUS_USAGE,
            "%s, '%s': a part of it is the data set '%s' of %s, which is smaller than "
            "it was; bring the right file back",
            file->path, name, part->dataset, source->path);
    return level.check(source, part->dataset, level.depth + 1);
}

static status check_part(struct hdf5_file *file, const char *name, const struct part *part,
                         struct hdf5_level level)
{
    char path[2 * PATH_MAX];
    struct hdf5_file *source = NULL;
    if (strcmp(part->file_name, ".") == 0)
        return check_source(file, name, file, part, level);
    if (!find_source(file, part->file_name, path))
        return status_set(
            STATUS_USAGE,
            "%s, '%s': a part of it is in the file %s, which is missing or cannot be "
            "read; HDF5 would give its fill value there: bring that file back, or set "
            "HDF5_VDS_PREFIX to its folder",
            file->path, name, part->file_name);
    status outcome = hdf5_open_source(path, &source);
    if (outcome == STATUS_OK)
        outcome = check_source(file, name, source, part, level);
    status closed = hdf5_close(&source);
    return status_first(outcome, closed);
}

/* Adds the elements of `space` to `all`, which is closed for the sum. */
static hid_t add_elements(hid_t all, hid_t space)
{
    if (all < 0)
        return H5Scopy(space);
    hid_t sum = H5Scombine_select(all, H5S_SELECT_OR, space);
    H5Sclose(all);
    return sum;
}

static bool is_pattern(const char *name)
{
    for (const char *at = name; (at = strchr(at, '%')); at += 2)
        if (at[1] != '%')
            return true;
    return false;
}

/* `name` with the number of a block for %b, and % for %%; the caller's to free. */
static status numbered(const char *name, size_t block, char **out)
{
    enum { DIGITS = 20 };
    status outcome = memory_alloc(out, (strlen(name) + 1) * (1 + DIGITS), 1, "a name");
    if (outcome != STATUS_OK)
        return outcome;
    char *to = *out;
    for (const char *at = name; *at; at++) {
        const char *letter = *at == '%' ? at + 1 + strspn(at + 1, "0123456789") : at;
        if (*at == '%' && *letter == 'b')
            to += sprintf(to, "%zu", block);
        else
            *to++ = *letter;
        at = *letter ? letter : letter - 1;
    }
    return STATUS_OK;
}

/* The part that is block number `block` of those that a pattern names; of its spaces it has none.
 */
static status part_of_pattern(const struct part *pattern, size_t block, struct part *part)
{
    *part = (struct part){.here = H5Screate(H5S_SCALAR), .there = H5Screate(H5S_SCALAR)};
    status outcome = numbered(pattern->file_name, block, &part->file_name);
    return outcome == STATUS_OK ? numbered(pattern->dataset, block, &part->dataset) : outcome;
}

static bool part_is_there(struct hdf5_file *file, const struct part *part)
{
    char path[2 * PATH_MAX];
    struct hdf5_file *source = NULL;
    if (strcmp(part->file_name, ".") == 0)
        return hdf5_exists(file, part->dataset);
    if (!find_source(file, part->file_name, path) || hdf5_open_source(path, &source) != STATUS_OK)
        return false;
    bool found = hdf5_exists(source, part->dataset);
    hdf5_close(&source);
    return found;
}

/*
 * Parts that are named by their numbers end where one is missing: HDF5 does not look for others
 * behind it, so that a data set is silently shorter.
 */
static status check_pattern(struct hdf5_file *file, const char *name, const struct part *pattern,
                            struct hdf5_level level)
{
    size_t missing = SIZE_MAX;
    status outcome = STATUS_OK;
    for (size_t block = 0; outcome == STATUS_OK; block++) {
        struct part part;
        outcome = part_of_pattern(pattern, block, &part);
        bool there = outcome == STATUS_OK && part_is_there(file, &part);
        if (there && missing < block)
            outcome =
                status_set(STATUS_USAGE,
                           "%s, '%s': part %zu of it ('%s' of %s) is missing, though part %zu "
                           "is there; bring it back",
                           file->path, name, missing, pattern->dataset, pattern->file_name, block);
        else if (there)
            outcome = check_part(file, name, &part, level);
        else if (missing == SIZE_MAX)
            missing = block;
        part_close(&part);
        if (missing != SIZE_MAX && block - missing > LONGEST_GAP)
            break;
    }
    if (outcome == STATUS_OK && missing == 0)
        outcome = status_set(STATUS_USAGE,
                             "%s, '%s': its parts ('%s' of %s) are missing; bring them back",
                             file->path, name, pattern->dataset, pattern->file_name);
    return outcome;
}

/* All parts; *covered has the elements that they are, *open_end that there may be more. */
static status check_parts(struct hdf5_file *file, const char *name, hid_t creation,
                          struct hdf5_level level, hid_t *covered, bool *open_end)
{
    size_t n = 0;
    status outcome = STATUS_OK;
    if (H5Pget_virtual_count(creation, &n) < 0)
        return hdf5_failure(file, name, NULL, "the list of its parts is damaged");
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++) {
        struct part part;
        outcome = part_open(file, creation, i, &part);
        bool pattern =
            outcome == STATUS_OK && (is_pattern(part.file_name) || is_pattern(part.dataset));
        if (outcome == STATUS_OK)
            outcome = pattern ? check_pattern(file, name, &part, level)
                              : check_part(file, name, &part, level);
        if (outcome == STATUS_OK && (pattern || is_unlimited(part.here)))
            *open_end = true;
        else if (outcome == STATUS_OK)
            *covered = add_elements(*covered, part.here);
        part_close(&part);
    }
    return outcome;
}

status hdf5_check_virtual(struct hdf5_file *file, const char *name, hid_t dataset, hid_t creation,
                          struct hdf5_level level)
{
    hid_t covered = H5I_INVALID_HID, space = H5Dget_space(dataset);
    bool open_end = false;
    if (level.depth > DEEPEST) {
        H5Sclose(space);
        return status_set(STATUS_USAGE, "%s, '%s': is virtual over more than %d files", file->path,
                          name, DEEPEST);
    }
    hssize_t wanted = H5Sget_simple_extent_npoints(space);
    status outcome = check_parts(file, name, creation, level, &covered, &open_end);
    hssize_t there = covered >= 0 ? H5Sget_select_npoints(covered) : 0;
    if (outcome == STATUS_OK && !open_end && there < wanted)
        outcome =
            status_set(STATUS_USAGE,
                       "%s, '%s': %lld of the %lld numbers of this virtual data set are in no "
                       "file: there is only HDF5's fill value; map all of it",
                       file->path, name, (long long)(wanted - there), (long long)wanted);
    if (covered >= 0)
        H5Sclose(covered);
    H5Sclose(space);
    return outcome;
}
