/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_internal.h"

#include "base/memory.h"
#include "base/real.h"

#include <string.h>

/* Smaller data sets are left to the library; larger chunks too, for one is kept in memory. */
enum { SMALLEST = 1 << 20, LARGEST_CHUNK = 1 << 28 };

/*
 * Older libraries go through all chunks to find one, which would take a time that grows as the
 * square of their number; from 1.14 on they tell all in one go.
 */
#if H5_VERSION_GE(1, 14, 0)
enum { MOST_CHUNKS = 1 << 24 };
#else
enum { MOST_CHUNKS = 1 << 11 };
#endif

size_t hdf5_number_size(enum hdf5_number number)
{
    static const unsigned char size[] = {
        [HDF5_NO_NUMBER] = 0, [HDF5_F32] = 4, [HDF5_F64] = 8, [HDF5_I8] = 1, [HDF5_U8] = 1,
        [HDF5_I16] = 2,       [HDF5_U16] = 2, [HDF5_I32] = 4, [HDF5_U32] = 4};
    return size[number];
}

/* Booleans of h5py are an enumeration: those are left to the library. */
static enum hdf5_number number_of(hid_t dataset)
{
    const struct {
        hid_t type;
        enum hdf5_number number;
    } known[] = {{H5T_NATIVE_FLOAT, HDF5_F32}, {H5T_NATIVE_DOUBLE, HDF5_F64},
                 {H5T_NATIVE_INT8, HDF5_I8},   {H5T_NATIVE_UINT8, HDF5_U8},
                 {H5T_NATIVE_INT16, HDF5_I16}, {H5T_NATIVE_UINT16, HDF5_U16},
                 {H5T_NATIVE_INT32, HDF5_I32}, {H5T_NATIVE_UINT32, HDF5_U32}};
    enum hdf5_number number = HDF5_NO_NUMBER;
    hid_t type = H5Dget_type(dataset);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (H5Tequal(type, known[i].type) > 0)
            number = known[i].number;
    H5Tclose(type);
    return number;
}

/* True without filters, or with Fletcher-32 alone. */
static bool filters_are_ours(hid_t creation, bool *has_checksums)
{
    int n = H5Pget_nfilters(creation);
    size_t n_values = 0;
    unsigned flags;
    *has_checksums = n == 1 && H5Pget_filter2(creation, 0, &flags, &n_values, NULL, 0, NULL,
                                              NULL) == H5Z_FILTER_FLETCHER32;
    return n == 0 || *has_checksums;
}

#if H5_VERSION_GE(1, 14, 0)
struct chunk_list {
    uint64_t *chunk, rows, n, n_listed;
    size_t bytes;
};

static int list_chunk(const hsize_t *first, unsigned skipped, haddr_t address, hsize_t size,
                      void *context)
{
    struct chunk_list *list = context;
    uint64_t i = first[0] / list->rows;
    if (i >= list->n || address == HADDR_UNDEF || skipped != 0 || size != list->bytes)
        return 1;
    list->chunk[i] = address;
    list->n_listed++;
    return 0;
}

/* Where the chunks lie; false if one is missing or not as the others. */
static bool list_chunks(struct hdf5_stored *stored, hid_t dataset, uint64_t rows, uint64_t n,
                        size_t bytes)
{
    struct chunk_list list = {stored->chunk, rows, n, 0, bytes};
    return H5Dchunk_iter(dataset, H5P_DEFAULT, list_chunk, &list) == 0 && list.n_listed == n;
}
#else
static bool list_chunks(struct hdf5_stored *stored, hid_t dataset, uint64_t rows, uint64_t n,
                        size_t bytes)
{
    for (uint64_t i = 0; i < n; i++) {
        hsize_t first[2] = {i * rows, 0}, size = 0;
        unsigned skipped = 0;
        haddr_t address = HADDR_UNDEF;
        if (H5Dget_chunk_info_by_coord(dataset, first, &skipped, &address, &size) < 0 ||
            address == HADDR_UNDEF || skipped != 0 || size != bytes)
            return false;
        stored->chunk[i] = address;
    }
    return true;
}
#endif

/* Chunks of whole rows, all of them written and none filtered otherwise than the others. */
static status find_chunks(struct hdf5_stored *stored, hid_t dataset, hid_t creation, int rank,
                          const hsize_t *dims)
{
    hsize_t chunk[2] = {0, 0};
    if (H5Pget_chunk(creation, rank, chunk) != rank || (rank == 2 && chunk[1] != dims[1]) ||
        chunk[0] > LARGEST_CHUNK / stored->row_bytes)
        return STATUS_OK;
    uint64_t n_chunks = (stored->n_rows + chunk[0] - 1) / chunk[0];
    if (n_chunks > MOST_CHUNKS)
        return STATUS_OK;
    size_t bytes =
        (size_t)chunk[0] * stored->row_bytes + (stored->has_checksums ? CHECKSUM_BYTES : 0);
    status outcome = memory_alloc(&stored->chunk, n_chunks, sizeof *stored->chunk, "chunks");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&stored->cached, bytes, 1, "a chunk");
    bool usable = outcome == STATUS_OK && list_chunks(stored, dataset, chunk[0], n_chunks, bytes);
    stored->chunk_rows = chunk[0];
    stored->cached_chunk = UINT64_MAX;
    stored->usable = usable;
    return outcome;
}

static status find_layout(struct hdf5_stored *stored, hid_t dataset, hid_t creation)
{
    hsize_t dims[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    if ((rank != 1 && rank != 2) || !filters_are_ours(creation, &stored->has_checksums))
        return STATUS_OK;
    hsize_t columns = rank == 2 ? dims[1] : 1;
    if (dims[0] == 0 || columns == 0 || columns > SIZE_MAX / 8 ||
        dims[0] > UINT64_MAX / 8 / columns)
        return STATUS_OK;
    stored->n_rows = dims[0];
    stored->row_bytes = (size_t)columns * hdf5_number_size(stored->number);
    if (stored->n_rows * stored->row_bytes < SMALLEST)
        return STATUS_OK;
    if (H5Pget_layout(creation) == H5D_CHUNKED)
        return find_chunks(stored, dataset, creation, rank, dims);
    haddr_t offset = HADDR_UNDEF;
    if (H5Pget_layout(creation) == H5D_CONTIGUOUS)
        offset = H5Dget_offset(dataset);
    stored->offset = offset;
    stored->usable = offset != HADDR_UNDEF;
    return STATUS_OK;
}

/* A user block would shift what the library says of chunks. */
static bool has_user_block(struct hdf5_file *file)
{
    hsize_t size = 0;
    hid_t creation = H5Fget_create_plist(file->id);
    H5Pget_userblock(creation, &size);
    H5Pclose(creation);
    return size > 0;
}

/* Behind an external link lies another file: what it says of places is not of our descriptor. */
static bool is_in_file(struct hdf5_file *file, hid_t dataset)
{
#if H5_VERSION_GE(1, 12, 0)
    H5O_info2_t own, root;
    return H5Oget_info3(dataset, &own, H5O_INFO_BASIC) >= 0 &&
           H5Oget_info3(file->id, &root, H5O_INFO_BASIC) >= 0 && own.fileno == root.fileno;
#else
    H5O_info_t own, root;
    return H5Oget_info2(dataset, &own, H5O_INFO_BASIC) >= 0 &&
           H5Oget_info2(file->id, &root, H5O_INFO_BASIC) >= 0 && own.fileno == root.fileno;
#endif
}

static status look(struct hdf5_file *file, struct hdf5_open_dataset *open)
{
    struct hdf5_stored *stored = &open->stored;
    int *descriptor = NULL;
    stored->looked = true;
    stored->number = number_of(open->id);
    if (file->writable || stored->number == HDF5_NO_NUMBER || has_user_block(file) ||
        !is_in_file(file, open->id) ||
        H5Fget_vfd_handle(file->id, H5P_DEFAULT, (void **)&descriptor) < 0 || !descriptor)
        return STATUS_OK;
    stored->descriptor = *descriptor;
    hid_t creation = H5Dget_create_plist(open->id);
    status outcome = find_layout(stored, open->id, creation);
    H5Pclose(creation);
    if (outcome == STATUS_OK && stored->usable && file->reads_directly &&
        stored->n_rows * stored->row_bytes >= file->direct_from)
        outcome = hdf5_direct_open(file->path, &stored->direct);
    return outcome;
}

status hdf5_find_stored(struct hdf5_file *file, const char *name, struct hdf5_stored **out)
{
    /* What is known already is had without waiting for another thread in the library. */
    for (int i = 0; i < HDF5_OPEN_DATASETS; i++) {
        *out = &file->open[i].stored;
        if (file->open[i].id > 0 && (*out)->looked && strcmp(file->open[i].name, name) == 0)
            return STATUS_OK;
    }
    HDF5_LOCKED;
    struct hdf5_open_dataset *open = NULL;
    status outcome = hdf5_open_slot(file, name, &open);
    if (outcome != STATUS_OK)
        return outcome;
    *out = &open->stored;
    return look(file, open);
}

status hdf5_stored(struct hdf5_file *file, const char *name, enum hdf5_number *number)
{
    struct hdf5_stored *stored = NULL;
    status outcome = hdf5_find_stored(file, name, &stored);
    *number = outcome == STATUS_OK && stored->usable ? stored->number : HDF5_NO_NUMBER;
    return outcome;
}

#define CONVERTER(name, type)                                                                      \
    LEAF_KERNEL static void name(const void *from, size_t n, double *to)                           \
    {                                                                                              \
        const type *number = from;                                                                 \
        for (size_t i = 0; i < n; i++)                                                             \
            to[i] = (double)number[i];                                                             \
    }
CONVERTER(from_float, float)
CONVERTER(from_int8, int8_t)
CONVERTER(from_uint8, uint8_t)
CONVERTER(from_int16, int16_t)
CONVERTER(from_uint16, uint16_t)
CONVERTER(from_int32, int32_t)
CONVERTER(from_uint32, uint32_t)

void hdf5_to_double(enum hdf5_number number, const void *from, size_t n, double *to)
{
    switch (number) {
    case HDF5_F32:
        from_float(from, n, to);
        break;
    case HDF5_I8:
        from_int8(from, n, to);
        break;
    case HDF5_U8:
        from_uint8(from, n, to);
        break;
    case HDF5_I16:
        from_int16(from, n, to);
        break;
    case HDF5_U16:
        from_uint16(from, n, to);
        break;
    case HDF5_I32:
        from_int32(from, n, to);
        break;
    case HDF5_U32:
        from_uint32(from, n, to);
        break;
    default:
        memcpy(to, from, n * sizeof *to);
    }
}
