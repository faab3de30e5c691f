/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_internal.h"

#include "base/memory.h"
#include "base/real.h"
#include "base/site.h"

#include <string.h>

/* A chunk must stay below 4 GiB; well below, for it also goes through memory as a whole. */
static const uint64_t largest_chunk = UINT64_C(1) << 30;

/* Bytes that a data set, and each of its chunks, takes in tables of contents; on the safe side. */
static const uint64_t room_of_dataset = 768, room_of_chunk = 64;

hid_t hdf5_memory_type(enum hdf5_type type)
{
    switch (type) {
    case HDF5_AS_REAL:
        return sizeof(real) == sizeof(double) ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
    case HDF5_AS_DOUBLE:
        return H5T_NATIVE_DOUBLE;
    case HDF5_AS_INT32:
        return H5T_NATIVE_INT32;
    case HDF5_AS_INT64:
        return H5T_NATIVE_INT64;
    default:
        return H5T_NATIVE_UINT64;
    }
}

hid_t hdf5_file_type(enum hdf5_type type)
{
    switch (type) {
    case HDF5_AS_REAL:
        return sizeof(real) == sizeof(double) ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
    case HDF5_AS_DOUBLE:
        return H5T_IEEE_F64LE;
    case HDF5_AS_INT32:
        return H5T_STD_I32LE;
    case HDF5_AS_INT64:
        return H5T_STD_I64LE;
    default:
        return H5T_STD_U64LE;
    }
}

/* Halves the chunk, from its outermost dimension on, until it is small enough. */
static void clamp_chunk(hsize_t *chunk, int rank, size_t element_size)
{
    for (int i = 0; i < rank;) {
        double bytes = (double)element_size;
        for (int j = 0; j < rank; j++)
            bytes *= (double)chunk[j];
        if (bytes <= (double)largest_chunk)
            return;
        if (chunk[i] > 1)
            chunk[i] /= 2;
        else
            i++;
    }
}

status hdf5_make_dataset(struct hdf5_file *file, const char *name, hid_t type, int rank,
                         const uint64_t *dims, uint64_t rows_per_chunk)
{
    COTERIE_ASSERT(rank >= 1 && rank <= HDF5_MAX_RANK);
    hsize_t extent[HDF5_MAX_RANK], limit[HDF5_MAX_RANK], chunk[HDF5_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        uint64_t wanted = i == 0 && rows_per_chunk < dims[0] ? rows_per_chunk : dims[i];
        extent[i] = dims[i];
        /* A chunk may be larger than the data set only where that may grow. */
        limit[i] = dims[i] ? dims[i] : H5S_UNLIMITED;
        chunk[i] = wanted ? wanted : 1;
    }
    clamp_chunk(chunk, rank, H5Tget_size(type));
    status outcome = hdf5_reserve(file, room_of_dataset);
    if (outcome == STATUS_OK)
        outcome = hdf5_create_parents(file, name);
    if (outcome != STATUS_OK)
        return outcome;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(rank, extent, limit);
    H5Pset_obj_track_times(creation, false);
    H5Pset_chunk(creation, rank, chunk);
    H5Pset_fletcher32(creation);
    hid_t dataset = H5Dcreate2(file->id, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0)
        outcome = hdf5_failure(file, name, NULL, "the data set cannot be made");
    else
        H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(creation);
    return outcome;
}

status hdf5_create_dataset(struct hdf5_file *file, const char *name, enum hdf5_type type, int rank,
                           const uint64_t *dims, uint64_t rows_per_chunk)
{
    HDF5_LOCKED;
    return hdf5_make_dataset(file, name, hdf5_file_type(type), rank, dims, rows_per_chunk);
}

/* A run of rows, as the library wants it: the same elements in the file and in memory. */
struct row_selection {
    hid_t file_space, memory_space;
    bool empty;
};

static status select_rows(struct hdf5_file *file, const char *name, hid_t dataset, uint64_t first,
                          uint64_t n, struct row_selection *selection)
{
    hsize_t dims[H5S_MAX_RANK], start[H5S_MAX_RANK] = {first};
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    uint64_t rows = rank > 0 ? dims[0] : 1;
    status outcome = STATUS_OK;
    selection->empty = n == 0;
    if (rank < 0 || first > rows || n > rows - first)
        outcome = status_set(file->writable ? STATUS_FAILED : STATUS_USAGE,
                             "%s, '%s': rows %llu to %llu were expected, but it has %llu",
                             file->path, name, (unsigned long long)first,
                             (unsigned long long)(first + n), (unsigned long long)rows);
    else if (rank > 0) {
        dims[0] = n;
        for (int i = 0; i < rank; i++)
            selection->empty = selection->empty || dims[i] == 0;
        if (!selection->empty)
            H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, dims, NULL);
    }
    selection->file_space = space;
    selection->memory_space = rank > 0 ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR);
    return outcome;
}

static void release_selection(struct row_selection *selection)
{
    H5Sclose(selection->file_space);
    H5Sclose(selection->memory_space);
}

uint64_t hdf5_bytes_of_chunks(hid_t dataset, uint64_t first, uint64_t n)
{
    hsize_t dims[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    hid_t creation = H5Dget_create_plist(dataset);
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    uint64_t bytes = 0;
    if (rank > 0 && H5Pget_chunk(creation, H5S_MAX_RANK, chunk) == rank) {
        uint64_t one = H5Tget_size(type), across = 1;
        for (int i = 0; i < rank; i++)
            one *= chunk[i];
        for (int i = 1; i < rank; i++)
            across *= (dims[i] + chunk[i] - 1) / chunk[i];
        uint64_t begun = (first + n + chunk[0] - 1) / chunk[0] - (first + chunk[0] - 1) / chunk[0];
        bytes = begun * across * (one + room_of_chunk);
    }
    H5Pclose(creation);
    H5Tclose(type);
    H5Sclose(space);
    return bytes;
}

status hdf5_write_rows(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                       enum hdf5_type type, const void *data)
{
    HDF5_LOCKED;
    hid_t dataset = H5I_INVALID_HID;
    struct row_selection selection;
    status outcome = site_file(SITE_hdf5_write, file->path);
    if (outcome == STATUS_OK)
        outcome = hdf5_open_dataset(file, name, &dataset);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = select_rows(file, name, dataset, first, n, &selection);
    if (outcome == STATUS_OK && !selection.empty)
        outcome = hdf5_reserve(file, hdf5_bytes_of_chunks(dataset, first, n));
    if (outcome == STATUS_OK && !selection.empty &&
        H5Dwrite(dataset, hdf5_memory_type(type), selection.memory_space, selection.file_space,
                 H5P_DEFAULT, data) < 0)
        outcome = hdf5_failure(file, name, NULL, "cannot be written; check the disk's free space");
    release_selection(&selection);
    return outcome;
}

static const char out_of_range[] = "holds a number that is out of the range of whole numbers";

/* The library would silently take the nearest integer it can represent. */
static H5T_conv_ret_t refuse_inexact(H5T_conv_except_t exception, hid_t from, hid_t to,
                                     void *from_value, void *to_value, void *context)
{
    const char **complaint = context;
    (void)from, (void)to, (void)from_value, (void)to_value;
    if (exception == H5T_CONV_EXCEPT_TRUNCATE)
        *complaint = "holds a number that is not whole, but whole numbers are needed here";
    else if (exception != H5T_CONV_EXCEPT_PRECISION)
        *complaint = out_of_range;
    return *complaint ? H5T_CONV_ABORT : H5T_CONV_UNHANDLED;
}

/*
 * HDF5 1.10.8 does not notice when a large unsigned number of the other byte order becomes
 * negative, so those are read as they are and checked here.
 */
static bool is_unsigned(hid_t dataset)
{
    hid_t type = H5Dget_type(dataset);
    bool natural = H5Tget_class(type) == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE;
    H5Tclose(type);
    return natural;
}

static bool all_fit_int64(const uint64_t *number, hid_t memory_space)
{
    hssize_t n = H5Sget_simple_extent_npoints(memory_space);
    for (hssize_t i = 0; i < n; i++)
        if (number[i] > INT64_MAX)
            return false;
    return true;
}

static bool is_bit_field(hid_t dataset)
{
    hid_t type = H5Dget_type(dataset);
    bool bits = H5Tget_class(type) == H5T_BITFIELD;
    H5Tclose(type);
    return bits;
}

/* Bytes at the beginning of `data`, each of them 0 or 1, become numbers; from the last one on. */
static bool widen_bits(void *data, hssize_t n, enum hdf5_type type)
{
    const unsigned char *bits = data;
    for (hssize_t i = n - 1; i >= 0; i--) {
        unsigned char bit = bits[i];
        if (bit > 1)
            return false;
        if (type == HDF5_AS_REAL)
            ((real *)data)[i] = (real)bit;
        else if (type == HDF5_AS_DOUBLE)
            ((double *)data)[i] = bit;
        else if (type == HDF5_AS_INT32)
            ((int32_t *)data)[i] = bit;
        else
            ((int64_t *)data)[i] = bit;
    }
    return true;
}

/* The library makes no numbers of bits. */
static status read_bits(struct hdf5_file *file, const char *name, hid_t dataset,
                        const struct row_selection *selection, enum hdf5_type type, void *data)
{
    if (H5Dread(dataset, H5T_NATIVE_B8, selection->memory_space, selection->file_space, H5P_DEFAULT,
                data) < 0)
        return hdf5_failure(file, name, NULL, "cannot be read; it is damaged");
    if (widen_bits(data, H5Sget_simple_extent_npoints(selection->memory_space), type))
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "%s, '%s': is a bit field of more than one bit, no boolean; save its bits as "
                      "columns of 0 and 1",
                      file->path, name);
}

/* What the library says when it lacks a filter is not to be taken for damage. */
static status cannot_be_read(struct hdf5_file *file, const char *name, hid_t dataset)
{
    status outcome = hdf5_failure(file, name, NULL, "cannot be read; it is damaged");
    hid_t creation = H5Dget_create_plist(dataset);
    status filters = hdf5_check_filters(file, name, creation);
    H5Pclose(creation);
    return filters != STATUS_OK ? filters : outcome;
}

static status check_numeric(struct hdf5_file *file, const char *name, hid_t dataset)
{
    hid_t type = H5Dget_type(dataset);
    enum hdf5_kind kind = hdf5_kind_of(type);
    H5Tclose(type);
    if (kind == HDF5_FLOAT || kind == HDF5_INTEGER)
        return STATUS_OK;
    return status_set(STATUS_USAGE, "%s, '%s': holds %s, but numbers are needed here", file->path,
                      name, kind == HDF5_STRING ? "text" : "neither numbers nor text");
}

status hdf5_read_rows(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                      enum hdf5_type type, void *data)
{
    HDF5_LOCKED;
    hid_t dataset = H5I_INVALID_HID;
    struct row_selection selection;
    status outcome = site_file(SITE_hdf5_read, file->path);
    if (outcome == STATUS_OK)
        outcome = hdf5_open_dataset(file, name, &dataset);
    if (outcome == STATUS_OK)
        outcome = check_numeric(file, name, dataset);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = select_rows(file, name, dataset, first, n, &selection);
    bool natural = type == HDF5_AS_INT64 && is_unsigned(dataset);
    const char *complaint = NULL;
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    if (type != HDF5_AS_REAL && type != HDF5_AS_DOUBLE)
        H5Pset_type_conv_cb(transfer, refuse_inexact, &complaint);
    if (outcome == STATUS_OK && !selection.empty && is_bit_field(dataset))
        outcome = read_bits(file, name, dataset, &selection, type, data);
    else if (outcome == STATUS_OK && !selection.empty) {
        if (H5Dread(dataset, hdf5_memory_type(natural ? HDF5_AS_UINT64 : type),
                    selection.memory_space, selection.file_space, transfer, data) < 0)
            outcome = complaint
                          ? status_set(STATUS_USAGE, "%s, '%s': %s", file->path, name, complaint)
                          : cannot_be_read(file, name, dataset);
        else if (natural && !all_fit_int64(data, selection.memory_space))
            outcome = status_set(STATUS_USAGE, "%s, '%s': %s", file->path, name, out_of_range);
    }
    H5Pclose(transfer);
    release_selection(&selection);
    return outcome;
}

status hdf5_read_columns(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                         double *data)
{
    HDF5_LOCKED;
    hid_t dataset = H5I_INVALID_HID;
    hsize_t dims[H5S_MAX_RANK] = {0}, start[2] = {0, first};
    double *wide = NULL;
    status outcome = site_file(SITE_hdf5_read, file->path);
    if (outcome == STATUS_OK)
        outcome = hdf5_open_dataset(file, name, &dataset);
    if (outcome == STATUS_OK)
        outcome = check_numeric(file, name, dataset);
    if (outcome != STATUS_OK)
        return outcome;
    hid_t space = H5Dget_space(dataset);
    H5Sget_simple_extent_dims(space, dims, NULL);
    COTERIE_ASSERT(first <= dims[1] && n <= dims[1] - first);
    dims[1] = n;
    struct row_selection selection = {space, H5Screate_simple(2, dims, NULL), false};
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, dims, NULL);
    outcome = memory_alloc(&wide, dims[0] * n, sizeof *wide, "a block of columns");
    if (outcome == STATUS_OK && is_bit_field(dataset))
        outcome = read_bits(file, name, dataset, &selection, HDF5_AS_DOUBLE, wide);
    else if (outcome == STATUS_OK && H5Dread(dataset, H5T_NATIVE_DOUBLE, selection.memory_space,
                                             space, H5P_DEFAULT, wide) < 0)
        outcome = cannot_be_read(file, name, dataset);
    for (uint64_t c = 0; c < dims[0] && outcome == STATUS_OK; c++)
        for (uint64_t i = 0; i < n; i++)
            data[i * dims[0] + c] = wide[c * n + i];
    memory_free(&wide);
    release_selection(&selection);
    return outcome;
}
