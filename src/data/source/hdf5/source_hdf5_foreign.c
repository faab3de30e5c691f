/* SPDX-License-Identifier: BSD-3-Clause */
#include "source_hdf5_internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* How other programs lay out what is more than an array: AnnData, pandas, PyTables, Octave, ... */

static bool text_attribute(struct hdf5_file *file, const char *object, const char *attribute,
                           char text[64])
{
    char *value = NULL;
    text[0] = '\0';
    if (hdf5_has_attribute(file, object, attribute) &&
        hdf5_read_text(file, object, attribute, &value) == STATUS_OK)
        snprintf(text, 64, "%s", value);
    memory_free(&value);
    return text[0] != '\0';
}

static bool has_member(struct hdf5_file *file, const char *group, const char *member,
                       char full[NAME_SIZE])
{
    int length = snprintf(full, NAME_SIZE, "%s/%s", group, member);
    return length < NAME_SIZE && hdf5_exists(file, full);
}

/* The group that a data set is in; false at the root. */
static bool parent_of(const char *name, char parent[NAME_SIZE])
{
    const char *slash = strrchr(name, '/');
    if (!slash || slash == name || slash - name >= NAME_SIZE)
        return false;
    snprintf(parent, NAME_SIZE, "%.*s", (int)(slash - name), name);
    return true;
}

static bool is_sparse(struct hdf5_file *file, const char *group)
{
    char full[NAME_SIZE];
    bool rows = has_member(file, group, "indices", full) && has_member(file, group, "indptr", full);
    bool matlab = has_member(file, group, "ir", full) && has_member(file, group, "jc", full);
    bool octave = has_member(file, group, "value/cidx", full);
    return octave || ((rows || matlab) && has_member(file, group, "data", full));
}

static status refuse_sparse(const struct source *source, const char *group)
{
    return status_set(
        STATUS_USAGE,
        "%s: '%s' is a sparse matrix (only the numbers that are not 0, and where they "
        "are); save it as an array, in Python with X.toarray(), and name that",
        source->path, group);
}

static status refuse_pandas(const struct source *source, const char *group, const char *kind)
{
    return status_set(STATUS_USAGE,
                      "%s: '%s' is a pandas store (%s), no array; save it with df.to_csv(...), or "
                      "its numbers as an array",
                      source->path, group, kind);
}

static status resolve_group(const struct source *source, struct hdf5_file *file, const char *group,
                            char dataset[NAME_SIZE])
{
    char kind[64], full[NAME_SIZE];
    if (is_sparse(file, group))
        return refuse_sparse(source, group);
    if (text_attribute(file, group, "pandas_type", kind))
        return refuse_pandas(source, group, kind);
    if (text_attribute(file, group, "encoding-type", kind) && strcmp(kind, "dataframe") == 0)
        return status_set(STATUS_USAGE,
                          "%s: '%s' is a frame; name its columns one by one, as in %s/a,%s/b",
                          source->path, group, group, group);
    const char *member = has_member(file, group, "categories", full)            ? "codes"
                         : has_member(file, group, "mask", full)                ? "values"
                         : hdf5_has_attribute(file, group, "OCTAVE_NEW_FORMAT") ? "value"
                                                                                : NULL;
    if (member && has_member(file, group, member, full))
        snprintf(dataset, NAME_SIZE, "%s", full);
    return STATUS_OK;
}

status hdf5_resolve(const struct source *source, struct hdf5_reader *reader, const char *name,
                    char dataset[NAME_SIZE])
{
    struct hdf5_shape shape;
    char parent[NAME_SIZE];
    if (strlen(name) >= NAME_SIZE)
        return status_set(STATUS_USAGE, "%s: the name %.64s... is too long", source->path, name);
    snprintf(dataset, NAME_SIZE, "%s", name);
    status outcome = hdf5_shape(reader->file, name, &shape);
    if (outcome != STATUS_OK)
        return outcome;
    if (shape.kind == HDF5_GROUP)
        return resolve_group(source, reader->file, name, dataset);
    return parent_of(name, parent) && is_sparse(reader->file, parent)
               ? refuse_sparse(source, parent)
               : STATUS_OK;
}

status hdf5_foreign_find(const struct source *source, struct hdf5_reader *reader, const char *name,
                         struct hdf5_foreign *foreign)
{
    char parent[NAME_SIZE], full[NAME_SIZE], kind[64];
    const char *last = strrchr(name, '/');
    bool categorical, nullable;
    *foreign = (struct hdf5_foreign){0};
    if (!parent_of(name, parent))
        return STATUS_OK;
    text_attribute(reader->file, parent, "encoding-type", kind);
    char older[NAME_SIZE]; /* AnnData before 0.8 */
    snprintf(older, sizeof older, "__categories%.400s", last);
    categorical =
        (strcmp(last, "/codes") == 0 && has_member(reader->file, parent, "categories", full)) ||
        has_member(reader->file, parent, older, full);
    nullable = strncmp(kind, "nullable", 8) == 0 && strcmp(last, "/values") == 0 &&
               has_member(reader->file, parent, "mask", full);
    char **kept = categorical ? &foreign->categories : &foreign->mask;
    if ((categorical || nullable) && !(*kept = memory_strdup(full)))
        return status_set(STATUS_FAILED, "%s: not enough memory for a name", source->path);
    return STATUS_OK;
}

void hdf5_foreign_release(struct hdf5_foreign *foreign)
{
    memory_free(&foreign->categories);
    memory_free(&foreign->mask);
}

status hdf5_read_categories(const struct source *source, struct hdf5_reader *reader,
                            const char *name, struct string_list *categories)
{
    struct hdf5_shape shape;
    double *number = NULL;
    status outcome = hdf5_shape(reader->file, name, &shape);
    if (outcome != STATUS_OK)
        return outcome;
    if (shape.kind == HDF5_STRING)
        return hdf5_read_strings(reader->file, name, categories);
    if ((shape.kind != HDF5_INTEGER && shape.kind != HDF5_FLOAT) || shape.rank != 1)
        return status_set(STATUS_USAGE, "%s: '%s' holds no names of categories", source->path,
                          name);
    outcome = memory_alloc(&number, shape.dims[0], sizeof *number, "categories");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(reader->file, name, 0, shape.dims[0], HDF5_AS_DOUBLE, number);
    for (uint64_t i = 0; i < shape.dims[0] && outcome == STATUS_OK; i++) {
        char text[32];
        snprintf(text, sizeof text, "%.17g", number[i]);
        outcome = string_list_add(categories, text);
    }
    memory_free(&number);
    return outcome;
}

/* What pandas, PyTables and MATLAB keep beside their arrays: indices, cells of tables. */
static bool is_of_store(struct hdf5_file *file, const char *name)
{
    char parent[NAME_SIZE], kind[64];
    return strstr(name, "/__categories/") || strstr(name, "/_i_") || strstr(name, "/_p_") ||
           strncmp(name, "/#refs#/", 8) == 0 || strncmp(name, "/#subsystem#/", 13) == 0 ||
           (parent_of(name, parent) && text_attribute(file, parent, "pandas_type", kind));
}

/* AnnData names in `_index` which data set of a frame numbers its rows. */
static bool is_row_index(struct hdf5_file *file, const char *name)
{
    char parent[NAME_SIZE], index[64];
    return parent_of(name, parent) && text_attribute(file, parent, "_index", index) &&
           strcmp(strrchr(name, '/') + 1, index) == 0;
}

static bool is_of_sparse(struct hdf5_file *file, const char *name)
{
    char parent[NAME_SIZE];
    return parent_of(name, parent) && is_sparse(file, parent);
}

static bool is_part_of_column(struct hdf5_file *file, const char *name)
{
    char parent[NAME_SIZE], full[NAME_SIZE];
    const char *last = strrchr(name, '/');
    return parent_of(name, parent) &&
           ((strcmp(last, "/categories") == 0 && has_member(file, parent, "codes", full)) ||
            (strcmp(last, "/mask") == 0 && has_member(file, parent, "values", full)));
}

static bool is_never_proposed(struct hdf5_file *file, const char *name)
{
    char class[64];
    bool is_scale = text_attribute(file, name, "CLASS", class) &&
                    (strcmp(class, "DIMENSION_SCALE") == 0 || strcmp(class, "INDEX") == 0);
    return is_scale || is_of_store(file, name) || is_row_index(file, name) ||
           is_of_sparse(file, name) || is_part_of_column(file, name);
}

enum hdf5_role hdf5_role_of(struct hdf5_file *file, char name[NAME_SIZE], struct hdf5_shape *shape)
{
    char parent[NAME_SIZE], full[NAME_SIZE];
    const char *last = strrchr(name, '/');
    /* A lone number is none, and there may be many. */
    if (shape->rank == 0 || !last || is_never_proposed(file, name))
        return HDF5_NO_ROLE;
    bool within = parent_of(name, parent);
    bool octave = within && hdf5_has_attribute(file, parent, "OCTAVE_NEW_FORMAT");
    bool codes =
        within && strcmp(last, "/codes") == 0 && has_member(file, parent, "categories", full);
    /* The value of an empty matrix is its two dimensions. */
    if (octave &&
        (strcmp(last, "/value") != 0 || hdf5_has_attribute(file, parent, "OCTAVE_EMPTY_MATRIX")))
        return HDF5_NO_ROLE;
    if (shape->rank == 2 && (octave || hdf5_has_attribute(file, name, "MATLAB_class"))) {
        uint64_t columns = shape->dims[0];
        shape->dims[0] = shape->dims[1];
        shape->dims[1] = columns;
    }
    if (octave || codes)
        snprintf(name, NAME_SIZE, "%s", parent);
    return codes ? HDF5_LABELS_ONLY : HDF5_ANY_ROLE;
}

const char *hdf5_store_hint(struct hdf5_file *file, const char *name)
{
    char parent[NAME_SIZE], kind[64];
    if (is_of_sparse(file, name))
        return "save a sparse matrix as an array, in Python with X.toarray()";
    if (parent_of(name, parent) && text_attribute(file, parent, "pandas_type", kind))
        return "it is a pandas store: save it with df.to_csv(...)";
    if (text_attribute(file, name, "MATLAB_class", kind) &&
        hdf5_has_attribute(file, name, "MATLAB_object_decode"))
        return "objects of MATLAB must be saved as arrays, a table with table2array";
    return parent_of(name, parent) && text_attribute(file, parent, "encoding-type", kind) &&
                   strcmp(kind, "dataframe") == 0
               ? "name the columns of a frame one by one{, as in @inputs /obs/a,/obs/b}"
               : NULL;
}
