/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect_internal.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/string_list.h"
#include "data/hdf5/hdf5_file.h"
#include "data/source/hdf5/source_hdf5.h"

#include <inttypes.h>
#include <stdio.h>

struct listing {
    struct hdf5_file *file;
    size_t n_datasets;
};

static const char *kind_name(enum hdf5_kind kind)
{
    static const char *const names[] = {[HDF5_FLOAT] = "numbers",
                                        [HDF5_INTEGER] = "whole numbers",
                                        [HDF5_STRING] = "text",
                                        [HDF5_GROUP] = "group",
                                        [HDF5_TABLE] = "table of columns",
                                        [HDF5_COMPLEX] = "complex numbers",
                                        [HDF5_OTHER] = "another type"};
    return names[kind];
}

static status list_one(const char *name, const struct hdf5_shape *shape, void *context)
{
    struct listing *listing = context;
    if (shape->kind == HDF5_GROUP)
        return STATUS_OK;
    char dims[HDF5_MAX_RANK * 24] = "1";
    size_t used = 0;
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(dims + used, sizeof dims - used, "%s%" PRIu64, i ? " x " : "",
                                 shape->dims[i]);
    log_info("  %-26s %-16s %s", name, kind_name(shape->kind), dims);
    listing->n_datasets++;
    return STATUS_OK;
}

static status read_numbers(struct hdf5_file *file, const char *name, const struct hdf5_shape *shape)
{
    enum { VALUES = 1 << 17 };
    uint64_t width = 1;
    for (int i = 1; i < shape->rank; i++)
        width *= shape->dims[i];
    if (width == 0)
        return STATUS_OK;
    uint64_t per_block = width < VALUES ? VALUES / width : 1, n_rows = shape->dims[0];
    double *block;
    status outcome = memory_alloc(&block, per_block * width, sizeof *block, "a block of a file");
    for (uint64_t first = 0; first < n_rows && outcome == STATUS_OK; first += per_block) {
        uint64_t n = n_rows - first < per_block ? n_rows - first : per_block;
        outcome = hdf5_read_rows(file, name, first, n, HDF5_AS_DOUBLE, block);
    }
    memory_free(&block);
    return outcome;
}

static status verify_one(const char *name, const struct hdf5_shape *shape, void *context)
{
    struct listing *listing = context;
    struct string_list texts = {0};
    status outcome = STATUS_OK;
    if ((shape->kind == HDF5_FLOAT || shape->kind == HDF5_INTEGER) && shape->rank > 0)
        outcome = read_numbers(listing->file, name, shape);
    else if (shape->kind == HDF5_STRING && shape->rank == 1)
        outcome = hdf5_read_strings(listing->file, name, &texts);
    else
        return STATUS_OK;
    string_list_release(&texts);
    listing->n_datasets++;
    return outcome == STATUS_OK ? STATUS_OK : status_set(STATUS_FAILED, "%s", status_text());
}

status inspect_list_hdf5(const char *path)
{
    struct listing listing = {0};
    char suggestion[SOURCE_SUGGESTION] = "";
    status outcome = hdf5_open(path, &listing.file);
    if (outcome != STATUS_OK)
        return outcome;
    log_info("%s: HDF5 file without /x; to use it as data name its inputs with --inputs", path);
    outcome = hdf5_visit(listing.file, "/", list_one, &listing);
    if (outcome == STATUS_OK && listing.n_datasets == 0)
        log_info("  no data sets");
    if (outcome == STATUS_OK)
        outcome = source_suggest_hdf5(listing.file, suggestion);
    if (*suggestion)
        log_info("%s%s", *suggestion == '-' ? "for example " : "", suggestion);
    return hdf5_close_after(&listing.file, outcome);
}

status inspect_verify_hdf5(const char *path)
{
    struct listing listing = {0};
    status outcome = hdf5_open(path, &listing.file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = hdf5_visit(listing.file, "/", verify_one, &listing);
    if (outcome == STATUS_OK)
        log_info("%s: %zu data sets read without a wrong checksum", path, listing.n_datasets);
    return hdf5_close_after(&listing.file, outcome);
}
