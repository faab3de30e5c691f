/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_internal.h"

#include "base/memory.h"
#include "base/stop_request.h"

#include <string.h>

enum { STRINGS_PER_BLOCK = 4096 };

hid_t hdf5_string_type(size_t length)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

size_t hdf5_longest(const struct string_list *list)
{
    size_t longest = 1;
    for (size_t i = 0; i < list->n; i++)
        if (strlen(list->item[i]) > longest)
            longest = strlen(list->item[i]);
    return longest;
}

status hdf5_pack_strings(const struct string_list *list, size_t length, char **packed)
{
    status outcome = memory_alloc(packed, list->n, length, "a list of strings");
    for (size_t i = 0; i < list->n && outcome == STATUS_OK; i++)
        memcpy(*packed + i * length, list->item[i], strlen(list->item[i]));
    return outcome;
}

status hdf5_write_strings(struct hdf5_file *file, const char *name, const struct string_list *list)
{
    HDF5_LOCKED;
    uint64_t dims[1] = {list->n};
    size_t length = hdf5_longest(list);
    char *packed = NULL;
    hid_t dataset = H5I_INVALID_HID, type = hdf5_string_type(length);
    status outcome = hdf5_make_dataset(file, name, type, 1, dims, STRINGS_PER_BLOCK);
    if (outcome == STATUS_OK)
        outcome = hdf5_open_dataset(file, name, &dataset);
    if (outcome == STATUS_OK)
        outcome = hdf5_pack_strings(list, length, &packed);
    if (outcome == STATUS_OK)
        outcome = hdf5_reserve(file, hdf5_bytes_of_chunks(dataset, 0, list->n));
    if (outcome == STATUS_OK && list->n > 0 &&
        H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed) < 0)
        outcome = hdf5_failure(file, name, NULL, "cannot be written; check the disk's free space");
    H5Tclose(type);
    memory_free(&packed);
    return outcome;
}

/* Where strings come from, and how one block of them lies in memory. */
struct string_block {
    hid_t id; /* data set or attribute */
    bool is_attribute;
    hid_t file_space, memory_space, memory_type;
    bool variable;
    H5T_str_t padding;
    size_t size;  /* of one element in memory */
    void *buffer; /* (n, size) */
    char *text;   /* (size + 1) */
};

static herr_t read_block(struct string_block *block, hsize_t first, hsize_t n)
{
    if (block->is_attribute)
        return H5Aread(block->id, block->memory_type, block->buffer);
    if (H5Sselect_hyperslab(block->file_space, H5S_SELECT_SET, &first, NULL, &n, NULL) < 0)
        return -1;
    hsize_t zero = 0;
    H5Sselect_hyperslab(block->memory_space, H5S_SELECT_SET, &zero, NULL, &n, NULL);
    return H5Dread(block->id, block->memory_type, block->memory_space, block->file_space,
                   H5P_DEFAULT, block->buffer);
}

static status append_block(struct string_block *block, size_t n, struct string_list *list)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++) {
        const char *at = (const char *)block->buffer + i * block->size;
        if (block->variable) {
            const char *text = ((char **)block->buffer)[i];
            outcome = string_list_add(list, text ? text : "");
            continue;
        }
        size_t length = strnlen(at, block->size);
        while (block->padding == H5T_STR_SPACEPAD && length > 0 && at[length - 1] == ' ')
            length--;
        memcpy(block->text, at, length);
        block->text[length] = '\0';
        outcome = string_list_add(list, block->text);
    }
    if (block->variable)
        H5Dvlen_reclaim(block->memory_type, block->memory_space, H5P_DEFAULT, block->buffer);
    return outcome;
}

static status prepare_block(struct string_block *block, hid_t type, size_t per_block)
{
    block->variable = H5Tis_variable_str(type) > 0;
    block->padding = H5Tget_strpad(type);
    block->size = block->variable ? sizeof(char *) : H5Tget_size(type);
    block->memory_type = H5Tcopy(type);
    hsize_t dims[1] = {per_block};
    block->memory_space = H5Screate_simple(1, dims, NULL);
    status outcome = memory_alloc(&block->buffer, per_block, block->size, "strings of a file");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&block->text, block->size + 1, 1, "a string");
    return outcome;
}

static void release_block(struct string_block *block)
{
    memory_free(&block->buffer);
    memory_free(&block->text);
    H5Tclose(block->memory_type);
    H5Sclose(block->memory_space);
}

static status append_all(const struct hdf5_file *file, const char *object, const char *attribute,
                         struct string_block *block, hid_t type, size_t n, struct string_list *list)
{
    /* An attribute, and a lone string, can only be read as a whole. */
    bool whole = block->is_attribute || H5Sget_simple_extent_ndims(block->file_space) == 0;
    size_t per_block = whole || n < STRINGS_PER_BLOCK ? n : STRINGS_PER_BLOCK;
    status outcome = prepare_block(block, type, per_block);
    for (size_t first = 0; first < n && outcome == STATUS_OK; first += per_block) {
        size_t count = n - first < per_block ? n - first : per_block;
        outcome = stop_request_check(file->path);
        if (outcome != STATUS_OK)
            break;
        herr_t error = whole && !block->is_attribute
                           ? H5Dread(block->id, block->memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                     block->buffer)
                           : read_block(block, first, count);
        outcome = error < 0 ? hdf5_failure(file, object, attribute, "cannot be read; it is damaged")
                            : append_block(block, count, list);
    }
    release_block(block);
    return outcome;
}

status hdf5_append_strings(const struct hdf5_file *file, const char *object, const char *attribute,
                           hid_t id, struct string_list *list)
{
    struct string_block block = {.id = id, .is_attribute = attribute != NULL};
    hid_t type = block.is_attribute ? H5Aget_type(id) : H5Dget_type(id);
    block.file_space = block.is_attribute ? H5Aget_space(id) : H5Dget_space(id);
    hssize_t n = H5Sget_simple_extent_npoints(block.file_space);
    status outcome;
    if (hdf5_kind_of(type) != HDF5_STRING)
        outcome = hdf5_failure(file, object, attribute, "is no text, but text is needed here");
    else if (n < 0 || H5Sget_simple_extent_ndims(block.file_space) > 1)
        outcome = hdf5_failure(file, object, attribute, "has more than one dimension");
    else if (H5Tget_size(type) > HDF5_LONGEST_STRING)
        outcome = hdf5_failure(file, object, attribute, "holds strings longer than 1 MiB");
    else
        outcome = append_all(file, object, attribute, &block, type, (size_t)n, list);
    H5Sclose(block.file_space);
    H5Tclose(type);
    return outcome;
}

status hdf5_read_strings(struct hdf5_file *file, const char *name, struct string_list *list)
{
    HDF5_LOCKED;
    hid_t dataset = H5I_INVALID_HID;
    status outcome = hdf5_open_dataset(file, name, &dataset);
    if (outcome == STATUS_OK)
        outcome = hdf5_append_strings(file, name, NULL, dataset, list);
    return outcome;
}
