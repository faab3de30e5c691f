/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NumPy arrays (.npy) of numbers: (n, columns), or (n) for one column, in the order of rows or of
 * columns. The format: numpy.lib.format, versions 1 to 3. Columns are called x0, x1, ...
 */
#include "formats_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

enum { LONGEST_HEADER = 4096, MOST_COLUMNS = 1 << 24 };

static double number_of_f2(const unsigned char *from)
{
    unsigned bits = from[0] | (unsigned)from[1] << 8;
    int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
    double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                  : exponent == 0 ? ldexp(fraction, -24)
                                  : ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -size : size;
}

/* Bytes in this machine's order (little end first, as everywhere that Coterie runs). */
#define NUMBER_OF(name, type)                                                                      \
    static double number_of_##name(const unsigned char *from)                                      \
    {                                                                                              \
        type number;                                                                               \
        memcpy(&number, from, sizeof number);                                                      \
        return (double)number;                                                                     \
    }
NUMBER_OF(f4, float)
NUMBER_OF(f8, double)
NUMBER_OF(i1, int8_t)
NUMBER_OF(i2, int16_t)
NUMBER_OF(i4, int32_t)
NUMBER_OF(i8, int64_t)
NUMBER_OF(u1, uint8_t)
NUMBER_OF(u2, uint16_t)
NUMBER_OF(u4, uint32_t)
NUMBER_OF(u8, uint64_t)

static const struct kind {
    char name[3]; /* as in "<f8" */
    size_t bytes;
    double (*number)(const unsigned char *from);
} kinds[] = {{"f2", 2, number_of_f2}, {"f4", 4, number_of_f4}, {"f8", 8, number_of_f8},
             {"i1", 1, number_of_i1}, {"i2", 2, number_of_i2}, {"i4", 4, number_of_i4},
             {"i8", 8, number_of_i8}, {"u1", 1, number_of_u1}, {"u2", 2, number_of_u2},
             {"u4", 4, number_of_u4}, {"u8", 8, number_of_u8}, {"b1", 1, number_of_u1}};

struct array {
    const char *path;
    FILE *file;
    const struct kind *kind;
    bool is_big_endian;
    bool by_columns; /* "fortran_order" */
    size_t n, width;
};

static status damaged(const struct array *array, const char *what)
{
    return status_set(STATUS_USAGE, "%s: is a damaged NumPy array: %s; save it again", array->path,
                      what);
}

/* The version and the length of the header, then the header: a Python dict of three items. */
static status read_header(const struct array *array, char header[LONGEST_HEADER + 1])
{
    unsigned char start[12] = {0};
    bool is_whole = fread(start, 1, 8, array->file) == 8 && memcmp(start, magic, 6) == 0;
    size_t bytes = start[6] == 1 ? 2 : 4;
    is_whole = is_whole && fread(start + 8, 1, bytes, array->file) == bytes;
    if (!is_whole)
        return damaged(array, "its header is cut off");
    if (start[6] < 1 || start[6] > 3)
        return status_set(STATUS_USAGE,
                          "%s: is a NumPy array of format version %d, and 1 to 3 are known; save "
                          "it with numpy.save",
                          array->path, start[6]);
    size_t length =
        start[8] | (size_t)start[9] << 8 | (size_t)start[10] << 16 | (size_t)start[11] << 24;
    if (length > LONGEST_HEADER)
        return status_set(STATUS_USAGE,
                          "%s: is a NumPy array with a header of %zu bytes, as those of many named "
                          "fields have; save numbers as a plain two-dimensional array",
                          array->path, length);
    if (fread(header, 1, length, array->file) != length || memchr(header, '\0', length))
        return damaged(array, "its header is cut off");
    header[length] = '\0';
    return STATUS_OK;
}

/* What follows 'key': in the header, or NULL. */
static const char *value_of(const char *header, const char *key)
{
    const char *found = strstr(header, key);
    if (!found)
        return NULL;
    found += strlen(key);
    return found + strspn(found, " ");
}

static status find_kind(struct array *array, const char *type)
{
    char order = type[0] == '\'' ? type[1] : '\0';
    for (size_t i = 0; order && strchr("<>|=", order) && i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(type + 2, kinds[i].name, 2) == 0 && type[4] == '\'') {
            array->kind = &kinds[i];
            array->is_big_endian = order == '>';
            return STATUS_OK;
        }
    return status_set(STATUS_USAGE,
                      "%s: is a NumPy array of type %.*s, no plain numbers; save it as float64, or "
                      "as a CSV file",
                      array->path, (int)strcspn(type, ",}"), type);
}

static status find_shape(struct array *array, const char *shape)
{
    unsigned long long n = 0, width = 1;
    int end = -1;
    if (sscanf(shape, "(%llu,)%n", &n, &end) == 1 && end > 0)
        width = 1;
    else if (sscanf(shape, "(%llu, %llu)%n", &n, &width, &end) != 2 || end < 0)
        return status_set(STATUS_USAGE,
                          "%s: is a NumPy array of shape %.*s, but samples are the rows of two "
                          "dimensions; reshape it",
                          array->path, (int)strcspn(shape, ")") + (shape[0] == '('), shape);
    if (n == 0 || width == 0)
        return status_set(STATUS_USAGE, "%s: holds no samples: its shape is (%llu, %llu)",
                          array->path, n, width);
    size_t values, bytes;
    if (width > MOST_COLUMNS || __builtin_mul_overflow(n, width, &values) ||
        __builtin_mul_overflow(values, sizeof(double), &bytes))
        return status_set(STATUS_USAGE, "%s: has %llu samples of %llu columns, which is too many",
                          array->path, n, width);
    array->n = (size_t)n;
    array->width = (size_t)width;
    return STATUS_OK;
}

/* Before memory is asked for what a damaged header says. */
static status check_length(const struct array *array)
{
    struct stat about;
    long at = ftell(array->file);
    uint64_t wanted = (uint64_t)array->n * array->width * array->kind->bytes;
    if (at < 0 || fstat(fileno(array->file), &about) != 0)
        return status_set(STATUS_USAGE, "%s: cannot be read: %s", array->path, strerror(errno));
    uint64_t there = (uint64_t)(about.st_size - at);
    if (there < wanted)
        return damaged(array, "its end is missing");
    if (there > wanted)
        return status_set(STATUS_USAGE,
                          "%s: holds more than one NumPy array, or is damaged; save one array of "
                          "inputs and targets",
                          array->path);
    return STATUS_OK;
}

static status open_array(const char *path, struct array *array)
{
    char header[LONGEST_HEADER + 1];
    *array = (struct array){.path = path, .file = fopen(path, "rbe")};
    if (!array->file)
        return status_set(STATUS_USAGE, "%s: cannot be opened: %s", path, strerror(errno));
    status outcome = read_header(array, header);
    if (outcome != STATUS_OK)
        return outcome;
    const char *type = value_of(header, "'descr':"), *shape = value_of(header, "'shape':");
    const char *order = value_of(header, "'fortran_order':");
    if (!type || !shape || !order)
        return damaged(array, "its header lacks type, shape or order");
    array->by_columns = strncmp(order, "True", 4) == 0;
    outcome = find_kind(array, type);
    if (outcome == STATUS_OK)
        outcome = find_shape(array, shape);
    return outcome == STATUS_OK ? check_length(array) : outcome;
}

static double number_at(const struct array *array, const unsigned char *from)
{
    unsigned char turned[8];
    if (!array->is_big_endian)
        return array->kind->number(from);
    for (size_t i = 0; i < array->kind->bytes; i++)
        turned[i] = from[array->kind->bytes - 1 - i];
    return array->kind->number(turned);
}

/* NaN is a missing value, as in a text table. */
static status put(struct csv_column *column, size_t row, double number)
{
    column->number[row] = number;
    if (isnan(number) && column->n_missing++ == 0)
        column->first_missing = row;
    if (isinf(number) && column->n_not_finite++ == 0) {
        column->first_not_finite = row;
        column->not_finite = memory_strdup(number > 0 ? "inf" : "-inf");
        if (!column->not_finite)
            return status_set(STATUS_FAILED, "not enough memory for a NumPy array");
    }
    return STATUS_OK;
}

/* Row by row or column by column, as the numbers lie in the file. */
static status read_numbers(const struct array *array, struct csv_table *table)
{
    size_t lines = array->by_columns ? array->width : array->n;
    size_t length = array->by_columns ? array->n : array->width, bytes = array->kind->bytes;
    unsigned char *line = NULL;
    status outcome = memory_alloc(&line, length, bytes, "a NumPy array");
    for (size_t i = 0; i < lines && outcome == STATUS_OK; i++) {
        if (fread(line, bytes, length, array->file) != length)
            outcome = damaged(array, "its end is missing");
        for (size_t k = 0; k < length && outcome == STATUS_OK; k++)
            outcome = put(&table->column[array->by_columns ? i : k], array->by_columns ? k : i,
                          number_at(array, line + k * bytes));
    }
    memory_free(&line);
    return outcome;
}

static status make_table(const struct array *array, struct csv_table *table)
{
    status outcome = STATUS_OK;
    for (size_t c = 0; c < array->width && outcome == STATUS_OK; c++) {
        char name[32];
        snprintf(name, sizeof name, "x%zu", c);
        outcome = string_list_add(&table->names, name);
    }
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&table->column, array->width, sizeof *table->column, "a NumPy array");
    for (size_t c = 0; c < array->width && outcome == STATUS_OK; c++) {
        table->column[c].place = c;
        outcome = memory_alloc(&table->column[c].number, array->n, sizeof(double), "a NumPy array");
    }
    if (outcome == STATUS_OK && !(table->path = memory_strdup(array->path)))
        outcome = status_set(STATUS_FAILED, "%s: not enough memory", array->path);
    table->n_rows = array->n;
    return outcome == STATUS_OK ? read_numbers(array, table) : outcome;
}

static status open_npy(const struct source_request *request, struct source *source)
{
    struct array array;
    struct csv_table table = {0};
    if (request->categories)
        return status_set(STATUS_USAGE,
                          "%s: @categories names columns of text tables and HDF5 files; save the "
                          "NumPy array as one",
                          request->path);
    status outcome = open_array(request->path, &array);
    if (outcome == STATUS_OK)
        outcome = make_table(&array, &table);
    if (array.file)
        fclose(array.file);
    if (outcome == STATUS_OK)
        outcome = table_open(request, source, &table);
    csv_release(&table);
    return outcome;
}

static bool recognises(const char *path)
{
    char head[sizeof magic];
    struct stat about;
    const char *dot = strrchr(path, '.');
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    FILE *file = fopen(path, "rbe");
    bool found = file && fread(head, 1, sizeof head, file) == sizeof head &&
                 memcmp(head, magic, sizeof head) == 0;
    if (file)
        fclose(file);
    return found || (dot && strcasecmp(dot, ".npy") == 0);
}

const struct source_format source_format_npy = {
    .name = "NumPy", .recognises = recognises, .columns_by_name = true, .open = open_npy};
