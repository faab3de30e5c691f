/* SPDX-License-Identifier: BSD-3-Clause */
/* What a file holds, and those of its data sets that are open. */
#include "hdf5_internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Until HDF5 2 had a type for them. */
static bool is_complex_of_h5py(hid_t type)
{
    if (H5Tget_nmembers(type) != 2)
        return false;
    char *real = H5Tget_member_name(type, 0), *imaginary = H5Tget_member_name(type, 1);
    bool found = real && imaginary && strcmp(real, "r") == 0 && strcmp(imaginary, "i") == 0;
    H5free_memory(real);
    H5free_memory(imaginary);
    return found;
}

enum hdf5_kind hdf5_kind_of(hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return HDF5_FLOAT;
    case H5T_INTEGER:
    case H5T_ENUM: /* h5py's bool is one */
        return HDF5_INTEGER;
    case H5T_STRING:
        return HDF5_STRING;
    case H5T_COMPOUND:
        return is_complex_of_h5py(type) ? HDF5_COMPLEX : HDF5_TABLE;
#if H5_VERSION_GE(2, 0, 0)
    case H5T_COMPLEX:
        return HDF5_COMPLEX;
#endif
    case H5T_BITFIELD: /* the bool of PyTables is one of a byte */
        return H5Tget_size(type) == 1 ? HDF5_INTEGER : HDF5_OTHER;
    default:
        return HDF5_OTHER;
    }
}

/*
 * Calls `step` with each leading part of `name` in turn ("/a", "/a/b", ...), the whole name only if
 * `whole`; ends with the first that returns false, and returns false then.
 */
static bool for_each_parent(struct hdf5_file *file, const char *name, bool whole,
                            bool (*step)(struct hdf5_file *file, const char *part))
{
    char part[1024];
    size_t length = strlen(name);
    if (length >= sizeof part) {
        status_set(STATUS_USAGE, "%s: a name of %zu letters is too long", file->path, length);
        return false;
    }
    for (size_t i = 1; i <= length; i++) {
        bool at_end = i == length;
        if ((!at_end && name[i] != '/') || (at_end && !whole) || name[i - 1] == '/')
            continue;
        memcpy(part, name, i);
        part[i] = '\0';
        if (!step(file, part))
            return false;
    }
    return true;
}

static bool link_exists(struct hdf5_file *file, const char *part)
{
    return H5Lexists(file->id, part, H5P_DEFAULT) > 0 &&
           H5Oexists_by_name(file->id, part, H5P_DEFAULT) > 0;
}

bool hdf5_exists(struct hdf5_file *file, const char *name)
{
    HDF5_LOCKED;
    return name[0] != '\0' && for_each_parent(file, name, true, link_exists);
}

static bool create_one_group(struct hdf5_file *file, const char *part)
{
    if (H5Lexists(file->id, part, H5P_DEFAULT) > 0)
        return true;
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t group = H5Gcreate2(file->id, part, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool created = group >= 0;
    if (created)
        H5Gclose(group);
    else
        hdf5_failure(file, part, NULL, "the group cannot be made");
    H5Pclose(creation);
    return created;
}

status hdf5_create_parents(struct hdf5_file *file, const char *name)
{
    return for_each_parent(file, name, false, create_one_group) ? STATUS_OK : STATUS_FAILED;
}

status hdf5_create_group(struct hdf5_file *file, const char *name)
{
    HDF5_LOCKED;
    return for_each_parent(file, name, true, create_one_group) ? STATUS_OK : STATUS_FAILED;
}

static void dataset_shape(hid_t dataset, struct hdf5_shape *shape)
{
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    hsize_t dims[H5S_MAX_RANK];
    int rank = H5Sget_simple_extent_ndims(space);
    /* What has no such shape is no error here: `inspect` only lists it. */
    if (rank >= 0 && rank <= HDF5_MAX_RANK && H5Sget_simple_extent_type(space) != H5S_NULL) {
        shape->kind = hdf5_kind_of(type);
        shape->rank = rank;
        shape->bytes = H5Tget_size(type);
        H5Sget_simple_extent_dims(space, dims, NULL);
        for (int i = 0; i < rank; i++)
            shape->dims[i] = dims[i];
    }
    H5Sclose(space);
    H5Tclose(type);
}

/* `name` is seen from `group`, and called `full` in messages. */
static status object_shape(struct hdf5_file *file, hid_t group, const char *name, const char *full,
                           struct hdf5_shape *shape)
{
    memset(shape, 0, sizeof *shape);
    shape->kind = HDF5_OTHER;
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0)
        return hdf5_failure(file, full, NULL, "cannot be opened; the file is damaged");
    H5I_type_t type = H5Iget_type(object);
    if (type == H5I_GROUP)
        shape->kind = HDF5_GROUP;
    else if (type == H5I_DATASET)
        dataset_shape(object, shape);
    H5Oclose(object);
    return STATUS_OK;
}

status hdf5_shape(struct hdf5_file *file, const char *name, struct hdf5_shape *shape)
{
    HDF5_LOCKED;
    if (hdf5_exists(file, name))
        return object_shape(file, file->id, name, name, shape);
    memset(shape, 0, sizeof *shape);
    return status_set(STATUS_USAGE, "%s: there is no '%s' in this file", file->path, name);
}

struct object_visit {
    struct hdf5_file *file;
    const char *group;
    status (*visit)(const char *name, const struct hdf5_shape *shape, void *context);
    void *context;
    status outcome;
};

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct object_visit *visit = context;
    char full[1024];
    struct hdf5_shape shape;
    /* Soft and external links may lead nowhere, or out of the file. */
    if (info->type != H5L_TYPE_HARD)
        return 0;
    bool root = strcmp(visit->group, "/") == 0;
    snprintf(full, sizeof full, "%s/%s", root ? "" : visit->group, name);
    /* From the group, not from the root: a file may hold many. */
    visit->outcome = object_shape(visit->file, group, name, full, &shape);
    /* What a newer library wrote is there, though it cannot be seen; the rest can be used. */
    if (visit->outcome != STATUS_OK && hdf5_failure_is_of_newer())
        visit->outcome = STATUS_OK;
    if (visit->outcome == STATUS_OK)
        visit->outcome = visit->visit(full, &shape, visit->context);
    return visit->outcome == STATUS_OK ? 0 : 1;
}

status hdf5_visit(struct hdf5_file *file, const char *group,
                  status (*visit)(const char *name, const struct hdf5_shape *shape, void *context),
                  void *context)
{
    HDF5_LOCKED;
    struct object_visit state = {file, group, visit, context, STATUS_OK};
    if (H5Lvisit_by_name(file->id, group, H5_INDEX_NAME, H5_ITER_INC, visit_link, &state,
                         H5P_DEFAULT) < 0)
        return hdf5_failure(file, group, NULL, "its content cannot be listed");
    return state.outcome;
}

static const double smallest_cache = 1 << 20, largest_cache = 256 << 20;

static void release_stored(struct hdf5_stored *stored)
{
    memory_free(&stored->chunk);
    memory_free(&stored->cached);
    hdf5_direct_close(&stored->direct);
    *stored = (struct hdf5_stored){0};
}

static status close_slot(struct hdf5_file *file, struct hdf5_open_dataset *slot)
{
    status outcome = STATUS_OK;
    if (slot->id > 0 && H5Dclose(slot->id) < 0)
        outcome =
            hdf5_failure(file, slot->name, NULL, "cannot be closed; check the disk's free space");
    memory_free(&slot->name);
    release_stored(&slot->stored);
    slot->id = 0;
    return outcome;
}

status hdf5_close_datasets(struct hdf5_file *file)
{
    status outcome = STATUS_OK;
    for (int i = 0; i < HDF5_OPEN_DATASETS; i++) {
        struct status_kept kept;
        status_keep(outcome, &kept);
        outcome = status_restore(&kept, close_slot(file, &file->open[i]));
    }
    return outcome;
}

/*
 * The chunk cache that lets rows be read in small blocks without reading a chunk twice: one row of
 * chunks; or one column of them if that is more, for what is wide and so may lie on its side. 0 if
 * the default is enough.
 */
static size_t wanted_cache(hid_t dataset)
{
    hid_t creation = H5Dget_create_plist(dataset);
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    hsize_t chunk[H5S_MAX_RANK], dims[H5S_MAX_RANK];
    double bytes = 0;
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank > 0 && H5Pget_layout(creation) == H5D_CHUNKED &&
        H5Pget_chunk(creation, rank, chunk) == rank) {
        bytes = (double)H5Tget_size(type) * (double)chunk[0];
        for (int i = 1; i < rank; i++) {
            hsize_t chunks = (dims[i] + chunk[i] - 1) / chunk[i];
            bytes *= (double)chunks * (double)chunk[i];
        }
        double column = (double)H5Tget_size(type) * (double)dims[0] * (double)chunk[rank - 1];
        if (rank == 2 && dims[1] > dims[0] && column > bytes)
            bytes = column;
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(creation);
    return bytes > smallest_cache && bytes <= largest_cache ? (size_t)bytes : 0;
}

static hid_t open_with_cache(struct hdf5_file *file, const char *name)
{
    hid_t dataset = H5Dopen2(file->id, name, H5P_DEFAULT);
    size_t cache = dataset < 0 || file->writable ? 0 : wanted_cache(dataset);
    if (cache == 0)
        return dataset;
    H5Dclose(dataset);
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, 10007, cache, H5D_CHUNK_CACHE_W0_DEFAULT);
    dataset = H5Dopen2(file->id, name, access);
    H5Pclose(access);
    return dataset;
}

status hdf5_open_slot(struct hdf5_file *file, const char *name, struct hdf5_open_dataset **open)
{
    for (int i = 0; i < HDF5_OPEN_DATASETS; i++)
        if (file->open[i].id > 0 && strcmp(file->open[i].name, name) == 0) {
            *open = &file->open[i];
            return STATUS_OK;
        }
    if (!hdf5_exists(file, name))
        return status_set(STATUS_USAGE, "%s: there is no data set '%s' in this file", file->path,
                          name);
    struct hdf5_open_dataset *slot = &file->open[file->next_to_replace];
    file->next_to_replace = (file->next_to_replace + 1) % HDF5_OPEN_DATASETS;
    status outcome = close_slot(file, slot);
    if (outcome != STATUS_OK)
        return outcome;
    hid_t dataset = open_with_cache(file, name);
    if (dataset < 0)
        return hdf5_failure(file, name, NULL, "is no data set, or is damaged");
    slot->name = memory_strdup(name);
    if (!slot->name) {
        H5Dclose(dataset);
        return status_set(STATUS_FAILED, "%s: not enough memory to open '%s'", file->path, name);
    }
    slot->id = dataset;
    *open = slot;
    return STATUS_OK;
}

status hdf5_open_dataset(struct hdf5_file *file, const char *name, hid_t *id)
{
    struct hdf5_open_dataset *open = NULL;
    status outcome = hdf5_open_slot(file, name, &open);
    if (outcome == STATUS_OK)
        *id = open->id;
    return outcome;
}
