/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/hdf5/hdf5_storage.h"

#include "hdf5_internal.h"

#include "base/memory.h"

#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Filters that programs use and the library does not bring along: the registry of the HDF Group. */
static const struct {
    H5Z_filter_t id;
    const char *name;
} filters[] = {{H5Z_FILTER_DEFLATE, "gzip"},
               {H5Z_FILTER_SZIP, "szip"},
               {305, "LZO"},
               {307, "bzip2"},
               {32000, "LZF"},
               {32001, "Blosc"},
               {32004, "LZ4"},
               {32008, "bitshuffle"},
               {32013, "ZFP"},
               {32015, "Zstandard"},
               {32017, "SZ"},
               {32026, "Blosc2"},
               {32028, "Granular BitRound"}};

status hdf5_check_filters(const struct hdf5_file *file, const char *name, hid_t creation)
{
    int n = H5Pget_nfilters(creation);
    for (int i = 0; i < n; i++) {
        unsigned flags = 0, config = 0;
        size_t n_values = 0;
        char told[64] = "";
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, NULL,
                                         sizeof told, told, &config);
        if (id < 0 || H5Zfilter_avail(id) > 0)
            continue;
        const char *filter = told[0] ? told : "one that is not registered";
        for (size_t k = 0; k < sizeof filters / sizeof *filters; k++)
            if (filters[k].id == id)
                filter = filters[k].name;
        return status_set(
            STATUS_USAGE,
            "%s, '%s': is compressed with %s (filter %d), which this HDF5 library "
            "cannot read; write it again with gzip (where it can be read: h5repack -f "
            "GZIP=4 IN OUT), or name the folder of that filter's plugin in "
            "HDF5_PLUGIN_PATH",
            file->path, name, filter, (int)id);
    }
    return STATUS_OK;
}

static uint64_t stored_bytes(hid_t dataset)
{
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    hssize_t n = H5Sget_simple_extent_npoints(space);
    uint64_t bytes = n > 0 ? (uint64_t)n * H5Tget_size(type) : 0;
    H5Tclose(type);
    H5Sclose(space);
    return bytes;
}

/* The library looks in HDF5_EXTFILE_PREFIX, else in the current folder. */
static void external_path(const struct hdf5_file *file, const char *name, char path[2 * PATH_MAX])
{
    char folder[PATH_MAX];
    const char *prefix = hdf5_prefix(file, "HDF5_EXTFILE_PREFIX", folder);
    bool alone = name[0] == '/' || !*prefix;
    snprintf(path, 2 * PATH_MAX, "%s%s%s", alone ? "" : prefix, alone ? "" : "/", name);
}

static status no_external_file(const struct hdf5_file *file, const char *name, const char *raw)
{
    char folder[PATH_MAX], beside[2 * PATH_MAX];
    snprintf(folder, sizeof folder, "%s", file->path);
    snprintf(beside, sizeof beside, "%s/%s", dirname(folder), raw);
    if (raw[0] != '/' && access(beside, R_OK) == 0)
        return status_set(STATUS_USAGE,
                          "%s, '%s': its numbers are in the file %s, which HDF5 looks for in the "
                          "current folder; it is beside the data: set HDF5_EXTFILE_PREFIX=%s",
                          file->path, name, raw, folder);
    return status_set(STATUS_USAGE,
                      "%s, '%s': its numbers are in the file %s, which is missing or cannot be "
                      "read; bring it back, or set HDF5_EXTFILE_PREFIX to its folder",
                      file->path, name, raw);
}

static status check_external(const struct hdf5_file *file, const char *name, hid_t dataset,
                             hid_t creation)
{
    uint64_t left = stored_bytes(dataset);
    int n = H5Pget_external_count(creation);
    for (int i = 0; i < n && left > 0; i++) {
        char raw[PATH_MAX] = "", path[2 * PATH_MAX];
        off_t offset = 0;
        hsize_t size = 0;
        struct stat about;
        if (H5Pget_external(creation, (unsigned)i, sizeof raw - 1, raw, &offset, &size) < 0)
            return hdf5_failure(file, name, NULL, "its list of external files is damaged");
        uint64_t part = size == H5F_UNLIMITED || size > left ? left : size;
        external_path(file, raw, path);
        if (stat(path, &about) != 0 || access(path, R_OK) != 0)
            return no_external_file(file, name, raw);
        if ((uint64_t)about.st_size < (uint64_t)offset + part)
            return status_set(
                STATUS_USAGE,
                "%s, '%s': its numbers are in the file %s, which is too short: it has "
                "%" PRIu64 " bytes, and %" PRIu64 " are needed; copy it again",
                file->path, name, path, (uint64_t)about.st_size, (uint64_t)offset + part);
        left -= part;
    }
    if (left == 0)
        return STATUS_OK;
    return status_set(STATUS_USAGE, "%s, '%s': its external files hold %" PRIu64 " bytes too few",
                      file->path, name, left);
}

/* ", the first of them that of row 20 (from 0)", if it is found soon. */
static const char *first_unwritten(hid_t dataset, int rank, const hsize_t *dims,
                                   const hsize_t *chunk, char text[80])
{
    enum { MOST_ASKED = 100000 };
    hsize_t at[H5S_MAX_RANK] = {0};
    text[0] = '\0';
    for (int asked = 0; asked < MOST_ASKED; asked++) {
        hsize_t bytes = 0;
        if (H5Dget_chunk_storage_size(dataset, at, &bytes) < 0 || bytes == 0) {
            snprintf(text, 80, ", the first of them that of row %" PRIu64 " (from 0)",
                     (uint64_t)at[0]);
            return text;
        }
        int d = rank - 1;
        while (d >= 0 && (at[d] += chunk[d]) >= dims[d])
            at[d--] = 0;
        if (d < 0)
            break;
    }
    return text;
}

static status check_chunks(const struct hdf5_file *file, const char *name, hid_t dataset,
                           hid_t creation)
{
    hsize_t dims[H5S_MAX_RANK], chunk[H5S_MAX_RANK], there = 0, wanted = 1;
    char first[80];
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank < 1 || H5Pget_chunk(creation, rank, chunk) != rank ||
        H5Dget_num_chunks(dataset, space, &there) < 0) {
        H5Sclose(space);
        return hdf5_failure(file, name, NULL, "its chunks cannot be listed; it is damaged");
    }
    H5Sclose(space);
    for (int d = 0; d < rank; d++)
        wanted *= dims[d] / chunk[d] + (dims[d] % chunk[d] != 0);
    if (there >= wanted)
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "%s, '%s': %" PRIu64 " of its %" PRIu64
                      " chunks were never written%s: there are no "
                      "numbers, only HDF5's fill value; let the program that writes the file "
                      "finish, or save only "
                      "the rows that are there",
                      file->path, name, (uint64_t)(wanted - there), (uint64_t)wanted,
                      first_unwritten(dataset, rank, dims, chunk, first));
}

static status check_contiguous(const struct hdf5_file *file, const char *name, hid_t dataset,
                               hid_t creation)
{
    H5D_space_status_t space = H5D_SPACE_STATUS_ALLOCATED;
    if (H5Pget_external_count(creation) > 0)
        return check_external(file, name, dataset, creation);
    if (H5Dget_space_status(dataset, &space) < 0 || space != H5D_SPACE_STATUS_NOT_ALLOCATED ||
        stored_bytes(dataset) == 0)
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "%s, '%s': was made but never written: there are no numbers, only HDF5's fill "
        "value; write it, or choose another data set",
        file->path, name);
}

/*
 * The scale-offset filter knows no NaN: it gives the smallest number of the chunk for it. Only a
 * fill value that is a number tells the missing ones.
 */
static status check_scale_offset(const struct hdf5_file *file, const char *name, hid_t dataset,
                                 hid_t creation)
{
    unsigned flags = 0;
    size_t n_values = 0;
    hid_t type = H5Dget_type(dataset);
    bool is_float = H5Tget_class(type) == H5T_FLOAT;
    H5Tclose(type);
    if (!is_float || H5Pget_filter_by_id2(creation, H5Z_FILTER_SCALEOFFSET, &flags, &n_values, NULL,
                                          0, NULL, NULL) < 0)
        return STATUS_OK;
    H5D_fill_value_t defined = H5D_FILL_VALUE_DEFAULT;
    double fill = NAN;
    if (H5Pfill_value_defined(creation, &defined) >= 0 && defined == H5D_FILL_VALUE_USER_DEFINED &&
        H5Pget_fill_value(creation, H5T_NATIVE_DOUBLE, &fill) >= 0 && !isnan(fill))
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "%s, '%s': its floats are stored by HDF5's filter scale-offset, which turns "
                      "NaN into other numbers; write it again from where it came with gzip or with "
                      "a fill value for what is missing, or, if nothing was, h5repack -f GZIP=4 IN "
                      "OUT",
                      file->path, name);
}

/* Within `depth` virtual data sets. */
static status check_stored(struct hdf5_file *file, const char *name, int depth)
{
    hid_t dataset = H5I_INVALID_HID;
    status outcome = hdf5_open_dataset(file, name, &dataset);
    if (outcome != STATUS_OK)
        return outcome;
    hid_t creation = H5Dget_create_plist(dataset);
    outcome = hdf5_check_filters(file, name, creation);
    if (outcome == STATUS_OK)
        outcome = check_scale_offset(file, name, dataset, creation);
    H5D_layout_t layout = H5Pget_layout(creation);
    if (outcome == STATUS_OK && layout == H5D_CHUNKED)
        outcome = check_chunks(file, name, dataset, creation);
    else if (outcome == STATUS_OK && layout == H5D_CONTIGUOUS)
        outcome = check_contiguous(file, name, dataset, creation);
    else if (outcome == STATUS_OK && layout == H5D_VIRTUAL)
        outcome = hdf5_check_virtual(file, name, dataset, creation,
                                     (struct hdf5_level){depth, check_stored});
    H5Pclose(creation);
    return outcome;
}

status hdf5_check_storage(struct hdf5_file *file, const char *name)
{
    HDF5_LOCKED;
    return check_stored(file, name, 0);
}
