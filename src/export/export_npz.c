/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All arrays of a checkpoint for numpy.load, under their names; attributes are texts. NumPy's
 * format of an array is described in numpy.lib.format, and .npz is a zip archive of them.
 */
#include "export_format.h"

#ifdef COTERIE_LIBZIP
#include "base/memory.h"

#include <iconv.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zip.h>

struct npz_writer {
    const struct exported_model *model;
    const char *name;
    const char *object; /* whose attributes are visited */
    zip_t *archive;
    char **array; /* (n), owned: libzip reads them when it closes */
    size_t n;
};

static status zip_failure(const struct npz_writer *writer)
{
    return status_set(STATUS_FAILED, "%s cannot be written: %s", writer->name,
                      zip_strerror(writer->archive));
}

/* One member of the archive, stored as it is; it has no date, so that equal models are equal. */
static status add_member(struct npz_writer *writer, const char *name, char *array, size_t bytes)
{
    char member[320];
    snprintf(member, sizeof member, "%s.npy", name + (*name == '/'));
    status outcome =
        memory_grow(&writer->array, writer->n, writer->n + 1, sizeof *writer->array, "an archive");
    if (outcome != STATUS_OK) {
        memory_free(&array);
        return outcome;
    }
    writer->array[writer->n++] = array;
    zip_source_t *source = zip_source_buffer(writer->archive, array, bytes, 0);
    zip_int64_t at = source ? zip_file_add(writer->archive, member, source, ZIP_FL_ENC_UTF_8) : -1;
    if (at < 0) {
        zip_source_free(source);
        return zip_failure(writer);
    }
    zip_set_file_compression(writer->archive, (zip_uint64_t)at, ZIP_CM_STORE, 0);
    const time_t first_of_zip = 315532800; /* 1980 */
    zip_file_set_mtime(writer->archive, (zip_uint64_t)at, first_of_zip, 0);
    return STATUS_OK;
}

/* Room for an array behind its header; *numbers is where they go. */
static status begin_array(const char *type, const struct hdf5_shape *shape, size_t bytes,
                          char **array, size_t *total, void *numbers)
{
    char dims[HDF5_MAX_RANK * 24] = "", header[512];
    for (int d = 0; d < shape->rank; d++)
        snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%" PRIu64 ",", shape->dims[d]);
    int length = snprintf(header, sizeof header,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, dims);
    size_t ahead = ((size_t)length + 11 + 63) / 64 * 64; /* with magic, version and a line's end */
    status outcome = memory_alloc(array, ahead + bytes, 1, "an array");
    if (outcome != STATUS_OK)
        return outcome;
    size_t rest = ahead - 10;
    memset(*array, ' ', ahead);
    memcpy(*array, "\x93NUMPY\x01\x00", 8);
    (*array)[8] = (char)(rest & 0xff);
    (*array)[9] = (char)(rest >> 8);
    memcpy(*array + 10, header, (size_t)length);
    (*array)[ahead - 1] = '\n';
    *total = ahead + bytes;
    *(char **)numbers = *array + ahead;
    return STATUS_OK;
}

static status add_numbers(struct npz_writer *writer, const char *name,
                          const struct hdf5_shape *shape)
{
    bool is_float = shape->kind == HDF5_FLOAT, is_single = is_float && shape->bytes == 4;
    size_t n = 1, total = 0;
    for (int d = 0; d < shape->rank; d++)
        n *= shape->dims[d];
    char *array = NULL;
    double *numbers = NULL; /* or 64-bit integers */
    status outcome = begin_array(is_single  ? "<f4"
                                 : is_float ? "<f8"
                                            : "<u8",
                                 shape, n * (is_single ? sizeof(float) : sizeof(double)), &array,
                                 &total, &numbers);
    double *wide = numbers;
    if (outcome == STATUS_OK && is_single)
        outcome = memory_alloc(&wide, n, sizeof *wide, "an array");
    if (outcome == STATUS_OK && n > 0)
        outcome = hdf5_read_rows(writer->model->file, name, 0, shape->dims[0],
                                 is_float ? HDF5_AS_DOUBLE : HDF5_AS_UINT64, wide);
    for (size_t i = 0; i < n && is_single && outcome == STATUS_OK; i++) {
        float single = (float)wide[i];
        memcpy((char *)numbers + i * sizeof single, &single, sizeof single);
    }
    if (is_single)
        memory_free(&wide);
    if (outcome == STATUS_OK)
        return add_member(writer, name, array, total);
    memory_free(&array);
    return outcome;
}

/* UTF-8 as n characters of 32 bits or fewer; what is no UTF-8 becomes U+FFFD, byte by byte. */
static void decode(const char *text, size_t n, uint32_t *out)
{
    iconv_t way = iconv_open("UTF-32LE", "UTF-8");
    char *from = (char *)text, *to = (char *)out;
    size_t left = strlen(text), space = n * sizeof *out;
    while (left > 0 && space >= sizeof *out) {
        if (way != (iconv_t)-1 && iconv(way, &from, &left, &to, &space) != (size_t)-1)
            break;
        if (left == 0 || space < sizeof *out)
            break;
        *(uint32_t *)to = 0xfffd;
        from++;
        left--;
        to += sizeof *out;
        space -= sizeof *out;
    }
    if (way != (iconv_t)-1)
        iconv_close(way);
}

/* Texts as NumPy's str; rank 0: one text. */
static status add_texts(struct npz_writer *writer, const char *name, int rank,
                        const struct string_list *texts)
{
    struct hdf5_shape shape = {.rank = rank, .dims = {texts->n}};
    char type[32], *array = NULL;
    size_t width = 1, total = 0;
    uint32_t *letters = NULL;
    for (size_t i = 0; i < texts->n; i++)
        width = strlen(texts->item[i]) > width ? strlen(texts->item[i]) : width;
    snprintf(type, sizeof type, "<U%zu", width);
    status outcome =
        begin_array(type, &shape, texts->n * width * sizeof *letters, &array, &total, &letters);
    for (size_t i = 0; i < texts->n && outcome == STATUS_OK; i++) {
        memset(letters + i * width, 0, width * sizeof *letters);
        decode(texts->item[i], width, letters + i * width);
    }
    return outcome == STATUS_OK ? add_member(writer, name, array, total) : outcome;
}

static status add_object(const char *name, const struct hdf5_shape *shape, void *context)
{
    struct npz_writer *writer = context;
    struct string_list texts = {0};
    if (shape->kind == HDF5_GROUP || shape->rank == 0)
        return STATUS_OK;
    if (shape->kind != HDF5_STRING)
        return add_numbers(writer, name, shape);
    status outcome = hdf5_read_strings(writer->model->file, name, &texts);
    if (outcome == STATUS_OK)
        outcome = add_texts(writer, name, 1, &texts);
    string_list_release(&texts);
    return outcome;
}

static status add_attribute(const char *name, const char *value, void *context)
{
    struct npz_writer *writer = context;
    char full[320];
    struct string_list text = {0};
    snprintf(full, sizeof full, "%s/%s", strcmp(writer->object, "/") == 0 ? "" : writer->object,
             name);
    status outcome = string_list_add(&text, value);
    if (outcome == STATUS_OK)
        outcome = add_texts(writer, full, 0, &text);
    string_list_release(&text);
    return outcome;
}

static status add_all(struct npz_writer *writer)
{
    static const char *const objects[] = {"/", "/config", "/data", "/progress"};
    status outcome = hdf5_visit(writer->model->file, "/", add_object, writer);
    for (size_t i = 0; i < sizeof objects / sizeof objects[0] && outcome == STATUS_OK; i++) {
        writer->object = objects[i];
        outcome = hdf5_visit_attributes(writer->model->file, objects[i], add_attribute, writer);
    }
    return outcome;
}

static status write_npz(const struct exported_model *model, const char *path, const char *name,
                        char *said, size_t size)
{
    struct npz_writer writer = {.model = model, .name = name};
    int code = 0;
    writer.archive = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code);
    if (!writer.archive) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        status outcome =
            status_set(STATUS_FAILED, "%s cannot be written: %s", name, zip_error_strerror(&error));
        zip_error_fini(&error);
        return outcome;
    }
    status outcome = add_all(&writer);
    if (outcome != STATUS_OK)
        zip_discard(writer.archive);
    else if (zip_close(writer.archive) != 0) {
        outcome = zip_failure(&writer);
        zip_discard(writer.archive);
    }
    snprintf(said, size, "%zu arrays for numpy.load", writer.n);
    for (size_t i = 0; i < writer.n; i++)
        memory_free(&writer.array[i]);
    memory_free(&writer.array);
    return outcome;
}

const struct export_format export_npz = {".npz", "libzip", false, write_npz};
#else
const struct export_format export_npz = {".npz", "libzip", false, NULL};
#endif
