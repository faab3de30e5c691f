/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_internal.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS_SHOWN = 16, LONGEST_ATTRIBUTE = 1 << 24 };

bool hdf5_has_attribute(struct hdf5_file *file, const char *object, const char *name)
{
    HDF5_LOCKED;
    return H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0;
}

/* Replaces the attribute if there is one. */
static status make_attribute(struct hdf5_file *file, const char *object, const char *name,
                             hid_t type, hid_t space, const void *data)
{
    status outcome = STATUS_OK;
    if (hdf5_has_attribute(file, object, name))
        H5Adelete_by_name(file->id, object, name, H5P_DEFAULT);
    hid_t attribute = H5Acreate_by_name(file->id, object, name, type, space, H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        return hdf5_failure(file, object, name, "cannot be made");
    if (H5Sget_simple_extent_npoints(space) > 0 && H5Awrite(attribute, type, data) < 0)
        outcome = hdf5_failure(file, object, name, "cannot be written");
    if (H5Aclose(attribute) < 0 && outcome == STATUS_OK)
        outcome = hdf5_failure(file, object, name, "cannot be written");
    return outcome;
}

/* Closes `type` and `space`. */
static status write_attribute(struct hdf5_file *file, const char *object, const char *name,
                              hid_t type, hid_t space, const void *data)
{
    const uint64_t room_of_attribute = 96;
    uint64_t bytes = (uint64_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
    status outcome = hdf5_reserve(file, room_of_attribute + bytes);
    if (outcome == STATUS_OK)
        outcome = make_attribute(file, object, name, type, space, data);
    H5Sclose(space);
    H5Tclose(type);
    return outcome;
}

status hdf5_write_text(struct hdf5_file *file, const char *object, const char *name,
                       const char *text)
{
    HDF5_LOCKED;
    size_t length = strlen(text);
    return write_attribute(file, object, name, hdf5_string_type(length ? length : 1),
                           H5Screate(H5S_SCALAR), text);
}

status hdf5_write_int64(struct hdf5_file *file, const char *object, const char *name,
                        int64_t number)
{
    HDF5_LOCKED;
    return write_attribute(file, object, name, H5Tcopy(H5T_STD_I64LE), H5Screate(H5S_SCALAR),
                           &number);
}

status hdf5_write_double(struct hdf5_file *file, const char *object, const char *name,
                         double number)
{
    HDF5_LOCKED;
    return write_attribute(file, object, name, H5Tcopy(H5T_IEEE_F64LE), H5Screate(H5S_SCALAR),
                           &number);
}

status hdf5_write_text_list(struct hdf5_file *file, const char *object, const char *name,
                            const struct string_list *list)
{
    HDF5_LOCKED;
    size_t length = hdf5_longest(list);
    hsize_t dims[1] = {list->n};
    char *packed = NULL;
    status outcome = hdf5_pack_strings(list, length, &packed);
    if (outcome == STATUS_OK)
        outcome = write_attribute(file, object, name, hdf5_string_type(length),
                                  H5Screate_simple(1, dims, NULL), packed);
    memory_free(&packed);
    return outcome;
}

static status open_attribute(struct hdf5_file *file, const char *object, const char *name,
                             hid_t *attribute)
{
    if (!hdf5_has_attribute(file, object, name))
        return status_set(STATUS_USAGE, "%s: '%s' has no attribute '%s'", file->path, object, name);
    *attribute = H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (*attribute < 0)
        return hdf5_failure(file, object, name, "cannot be opened; the file is damaged");
    return STATUS_OK;
}

static size_t attribute_length(hid_t attribute)
{
    hid_t space = H5Aget_space(attribute);
    hssize_t n = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    return n > 0 ? (size_t)n : 0;
}

static enum hdf5_kind attribute_kind(hid_t attribute, bool *is_signed)
{
    hid_t type = H5Aget_type(attribute);
    enum hdf5_kind kind = hdf5_kind_of(type);
    if (is_signed)
        *is_signed = H5Tget_class(type) == H5T_ENUM || H5Tget_sign(type) != H5T_SGN_NONE;
    H5Tclose(type);
    return kind;
}

status hdf5_read_text_list(struct hdf5_file *file, const char *object, const char *name,
                           struct string_list *list)
{
    HDF5_LOCKED;
    hid_t attribute = H5I_INVALID_HID;
    status outcome = open_attribute(file, object, name, &attribute);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = hdf5_append_strings(file, object, name, attribute, list);
    H5Aclose(attribute);
    return outcome;
}

status hdf5_read_text(struct hdf5_file *file, const char *object, const char *name, char **text)
{
    HDF5_LOCKED;
    struct string_list list = {0};
    *text = NULL;
    status outcome = hdf5_read_text_list(file, object, name, &list);
    if (outcome == STATUS_OK && list.n != 1)
        outcome = hdf5_failure(file, object, name, "is not a single text");
    if (outcome == STATUS_OK && !(*text = memory_strdup(list.item[0])))
        outcome = status_set(STATUS_FAILED, "%s: not enough memory for a text", file->path);
    string_list_release(&list);
    return outcome;
}

static status read_number(struct hdf5_file *file, const char *object, const char *name,
                          enum hdf5_type type, void *number)
{
    hid_t attribute = H5I_INVALID_HID;
    bool is_signed;
    status outcome = open_attribute(file, object, name, &attribute);
    if (outcome != STATUS_OK)
        return outcome;
    enum hdf5_kind kind = attribute_kind(attribute, &is_signed);
    if (attribute_length(attribute) != 1)
        outcome = hdf5_failure(file, object, name, "is not a single number");
    else if (kind != HDF5_INTEGER && !(kind == HDF5_FLOAT && type == HDF5_AS_DOUBLE))
        outcome =
            hdf5_failure(file, object, name,
                         type == HDF5_AS_DOUBLE ? "is not a number" : "is not a whole number");
    else if (H5Aread(attribute, hdf5_memory_type(type), number) < 0)
        outcome = hdf5_failure(file, object, name, "cannot be read; it is damaged");
    /* An unsigned number that does not fit has become the largest one that does. */
    else if (type == HDF5_AS_INT64 && !is_signed && *(int64_t *)number == INT64_MAX)
        outcome = hdf5_failure(file, object, name, "is too large a number");
    H5Aclose(attribute);
    return outcome;
}

status hdf5_read_int64(struct hdf5_file *file, const char *object, const char *name,
                       int64_t *number)
{
    HDF5_LOCKED;
    return read_number(file, object, name, HDF5_AS_INT64, number);
}

status hdf5_read_double(struct hdf5_file *file, const char *object, const char *name,
                        double *number)
{
    HDF5_LOCKED;
    return read_number(file, object, name, HDF5_AS_DOUBLE, number);
}

/* Of "-999 -9999." or "-999": all that is spelt, nothing if there is anything else. */
static status numbers_of_text(struct hdf5_file *file, const char *object, const char *name,
                              size_t most, double *number, size_t *n)
{
    struct string_list list = {0};
    status outcome = hdf5_read_text_list(file, object, name, &list);
    *n = 0;
    for (size_t i = 0; i < list.n && outcome == STATUS_OK; i++) {
        char *at = list.item[i], *end = at;
        for (; *at && *n < most; at = end + strspn(end, " ,")) {
            number[*n] = strtod(at, &end);
            if (end == at)
                break;
            ++*n;
        }
        if (*at) {
            *n = 0;
            break;
        }
    }
    string_list_release(&list);
    return outcome;
}

status hdf5_read_numbers(struct hdf5_file *file, const char *object, const char *name, size_t most,
                         double *number, size_t *n, bool *is_float)
{
    HDF5_LOCKED;
    hid_t attribute = H5I_INVALID_HID;
    *n = 0;
    status outcome = open_attribute(file, object, name, &attribute);
    if (outcome != STATUS_OK)
        return outcome;
    enum hdf5_kind kind = attribute_kind(attribute, NULL);
    size_t length = attribute_length(attribute);
    *is_float = kind == HDF5_FLOAT;
    if (kind == HDF5_FLOAT || kind == HDF5_INTEGER) {
        if (length > most)
            outcome = hdf5_failure(file, object, name, "holds more numbers than can be used");
        else if (length > 0 && H5Aread(attribute, H5T_NATIVE_DOUBLE, number) < 0)
            outcome = hdf5_failure(file, object, name, "cannot be read; it is damaged");
        *n = length;
    }
    H5Aclose(attribute);
    return outcome == STATUS_OK && kind == HDF5_STRING
               ? numbers_of_text(file, object, name, most, number, n)
               : outcome;
}

/* Numbers with as many digits as give them back, the first few of a long list. */
static status show_numbers(const struct hdf5_file *file, const char *object, const char *name,
                           hid_t attribute, char *text, size_t size)
{
    bool is_signed;
    enum hdf5_kind kind = attribute_kind(attribute, &is_signed);
    enum hdf5_type type = kind == HDF5_FLOAT ? HDF5_AS_DOUBLE
                          : is_signed        ? HDF5_AS_INT64
                                             : HDF5_AS_UINT64;
    size_t n = attribute_length(attribute), used = 0;
    union {
        double real;
        int64_t integer;
        uint64_t natural;
    } *number = NULL;
    if (n > LONGEST_ATTRIBUTE)
        return hdf5_failure(file, object, name, "is too long for an attribute");
    status outcome = memory_alloc(&number, n, sizeof *number, "an attribute");
    if (outcome == STATUS_OK && n > 0 && H5Aread(attribute, hdf5_memory_type(type), number) < 0)
        outcome = hdf5_failure(file, object, name, "cannot be read; it is damaged");
    text[0] = '\0';
    for (size_t i = 0; i < n && i <= NUMBERS_SHOWN && outcome == STATUS_OK; i++) {
        const char *separator = i ? ", " : "";
        char *at = text + used;
        size_t room = size - used;
        if (i == NUMBERS_SHOWN)
            snprintf(at, room, ", ...");
        else if (type == HDF5_AS_DOUBLE)
            used += (size_t)snprintf(at, room, "%s%.17g", separator, number[i].real);
        else if (type == HDF5_AS_INT64)
            used += (size_t)snprintf(at, room, "%s%" PRId64, separator, number[i].integer);
        else
            used += (size_t)snprintf(at, room, "%s%" PRIu64, separator, number[i].natural);
    }
    memory_free(&number);
    return outcome;
}

struct attribute_visit {
    struct hdf5_file *file;
    const char *object;
    status (*visit)(const char *name, const char *value, void *context);
    void *context;
    status outcome;
};

/* The value, or in parentheses why there is none; the caller's to free. NULL: not enough memory. */
static char *value_text(const struct attribute_visit *visit, const char *name)
{
    char text[1024] = "(cannot be read)";
    hid_t attribute = H5I_INVALID_HID;
    struct string_list list = {0};
    if (open_attribute(visit->file, visit->object, name, &attribute) != STATUS_OK)
        return memory_strdup(text);
    status outcome = STATUS_OK;
    char *lone = NULL;
    switch (attribute_kind(attribute, NULL)) {
    case HDF5_STRING:
        outcome = hdf5_append_strings(visit->file, visit->object, name, attribute, &list);
        if (outcome == STATUS_OK && list.n == 1)
            lone = memory_strdup(list.item[0]);
        else if (outcome == STATUS_OK)
            string_list_join(&list, text, sizeof text);
        break;
    case HDF5_INTEGER:
    case HDF5_FLOAT:
        outcome = show_numbers(visit->file, visit->object, name, attribute, text, sizeof text);
        break;
    default:
        snprintf(text, sizeof text, "(neither numbers nor text)");
    }
    if (outcome != STATUS_OK)
        snprintf(text, sizeof text, "(cannot be read)");
    string_list_release(&list);
    H5Aclose(attribute);
    return lone ? lone : memory_strdup(text);
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    struct attribute_visit *visit = context;
    (void)object, (void)info;
    char *text = value_text(visit, name);
    visit->outcome = text ? visit->visit(name, text, visit->context)
                          : status_set(STATUS_FAILED, "not enough memory for an attribute");
    memory_free(&text);
    return visit->outcome == STATUS_OK ? 0 : 1;
}

status hdf5_visit_attributes(struct hdf5_file *file, const char *object,
                             status (*visit)(const char *name, const char *value, void *context),
                             void *context)
{
    HDF5_LOCKED;
    struct attribute_visit state = {file, object, visit, context, STATUS_OK};
    if (H5Aiterate_by_name(file->id, object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute,
                           &state, H5P_DEFAULT) < 0)
        return hdf5_failure(file, object, NULL, "its attributes cannot be listed");
    return state.outcome;
}
