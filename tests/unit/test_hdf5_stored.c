/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "base/rng.h"
#include "data/hdf5/hdf5_file.h"

#include "data_fixture.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdbool.h>

/* Numbers read without the library are those that the library reads. */

enum { ROWS = 100003, COLUMNS = 3 };

struct layout {
    hsize_t chunk_rows, chunk_columns; /* 0: contiguous */
    bool checksums, compressed;
    hsize_t user_block;
    hsize_t odd_bytes; /* before the data set */
};

static void write_bytes(hid_t file, hsize_t n)
{
    unsigned char *bytes = NULL;
    assert_ok(memory_alloc(&bytes, n, 1, "bytes"));
    hid_t space = H5Screate_simple(1, &n, NULL);
    hid_t id =
        H5Dcreate2(file, "bytes", H5T_NATIVE_UINT8, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(id, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
    H5Dclose(id);
    H5Sclose(space);
    memory_free(&bytes);
}

static hid_t make(const char *name, hid_t type, const struct layout *layout, hsize_t rows)
{
    double *data = NULL;
    struct rng rng;
    hsize_t dims[2] = {rows, COLUMNS}, chunk[2] = {layout->chunk_rows, layout->chunk_columns};
    assert_ok(memory_alloc(&data, rows * COLUMNS, sizeof *data, "numbers"));
    rng_init(&rng, 3, RNG_START, 0, 0);
    double least = H5Tget_sign(type) == H5T_SGN_2 ? -128 : 0;
    for (size_t i = 0; i < rows * COLUMNS; i++)
        data[i] = (double)(int64_t)(256 * rng_uniform(&rng)) + least;
    hid_t creation = H5Pcreate(H5P_FILE_CREATE), layout_list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_userblock(creation, layout->user_block);
    hid_t file = H5Fcreate(fixture_path(name), H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dims, NULL);
    if (layout->chunk_rows)
        H5Pset_chunk(layout_list, 2, chunk);
    if (layout->checksums)
        H5Pset_fletcher32(layout_list);
    if (layout->compressed)
        H5Pset_deflate(layout_list, 1);
    if (layout->odd_bytes)
        write_bytes(file, layout->odd_bytes);
    hid_t x = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, layout_list, H5P_DEFAULT);
    assert_true(H5Dwrite(x, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(x);
    H5Sclose(space);
    H5Pclose(layout_list);
    H5Pclose(creation);
    memory_free(&data);
    return file;
}

static void compare(struct hdf5_file *file, enum hdf5_number number, uint64_t first, uint64_t n)
{
    unsigned char *stored = NULL;
    double *converted = NULL, *expected = NULL;
    assert_ok(memory_alloc(&stored, n * COLUMNS, hdf5_number_size(number), "numbers"));
    assert_ok(memory_alloc(&converted, n * COLUMNS, sizeof(double), "numbers"));
    assert_ok(memory_alloc(&expected, n * COLUMNS, sizeof(double), "numbers"));
    assert_ok(hdf5_read_rows(file, "x", first, n, HDF5_AS_DOUBLE, expected));
    assert_ok(hdf5_read_stored(file, "x", first, n, stored));
    hdf5_to_double(number, stored, n * COLUMNS, converted);
    assert_true(memcmp(converted, expected, n * COLUMNS * sizeof(double)) == 0);
    const void *seen = NULL;
    memset(stored, 0x55, n * COLUMNS * hdf5_number_size(number));
    assert_ok(hdf5_view_stored(file, "x", first, n, stored, &seen));
    assert_int_equal((uintptr_t)seen % hdf5_number_size(number), 0);
    hdf5_to_double(number, seen, n * COLUMNS, converted);
    assert_true(memcmp(converted, expected, n * COLUMNS * sizeof(double)) == 0);
    memory_free(&stored);
    memory_free(&converted);
    memory_free(&expected);
}

static void stored_numbers_are_those_of_the_library(void **state)
{
    (void)state;
    const struct {
        hid_t type;
        enum hdf5_number number;
    } types[] = {{H5T_NATIVE_FLOAT, HDF5_F32}, {H5T_NATIVE_DOUBLE, HDF5_F64},
                 {H5T_NATIVE_INT8, HDF5_I8},   {H5T_NATIVE_UINT8, HDF5_U8},
                 {H5T_NATIVE_INT16, HDF5_I16}, {H5T_NATIVE_UINT16, HDF5_U16},
                 {H5T_NATIVE_INT32, HDF5_I32}, {H5T_NATIVE_UINT32, HDF5_U32}};
    /* The last chunk is not full; 1021 rows of 3 bytes are an odd number of bytes. */
    static const struct layout layouts[] = {
        {0},
        {.chunk_rows = 1024, .chunk_columns = 3},
        {.chunk_rows = 1021, .chunk_columns = 3, .checksums = true},
        {.chunk_rows = ROWS, .chunk_columns = 3, .checksums = true}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
            struct hdf5_file *file;
            enum hdf5_number number = HDF5_NO_NUMBER;
            /* A file of less than a MiB is left to the library. */
            hsize_t size = hdf5_number_size(types[t].number),
                    rows = size < 4 ? 4 / size * ROWS : ROWS;
            H5Fclose(make("stored.h5", types[t].type, &layouts[l], rows));
            assert_ok(hdf5_open(fixture_path("stored.h5"), &file));
            if (t % 2 == 1)
                hdf5_read_directly(file, 0);
            assert_ok(hdf5_stored(file, "x", &number));
            assert_int_equal(number, types[t].number);
            compare(file, number, 0, rows);
            compare(file, number, 1000, 1);
            assert_ok(hdf5_expect(file, "x", 1020, 90000));
            compare(file, number, 1020, 3000);
            compare(file, number, 4020, 87000);
            compare(file, number, rows - 1, 1);
            assert_ok(hdf5_close(&file));
        }
}

static void what_cannot_be_had_so_is_left_to_the_library(void **state)
{
    (void)state;
    static const struct layout plain = {0},
                               other[] = {
                                   {.chunk_rows = 1024, .chunk_columns = 3, .compressed = true},
                                   {.chunk_rows = 1024, .chunk_columns = 2},
                                   {.chunk_rows = 1024, .chunk_columns = 3, .user_block = 512}};
    struct hdf5_file *file;
    enum hdf5_number number = HDF5_F64;
    for (size_t l = 0; l < sizeof other / sizeof *other; l++) {
        H5Fclose(make("other.h5", H5T_NATIVE_DOUBLE, &other[l], ROWS));
        assert_ok(hdf5_open(fixture_path("other.h5"), &file));
        assert_ok(hdf5_stored(file, "x", &number));
        assert_int_equal(number, HDF5_NO_NUMBER);
        assert_ok(hdf5_close(&file));
    }
    const hid_t types[] = {H5T_IEEE_F32BE, H5T_STD_I64LE};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        H5Fclose(make("other.h5", types[t], &plain, ROWS));
        assert_ok(hdf5_open(fixture_path("other.h5"), &file));
        assert_ok(hdf5_stored(file, "x", &number));
        assert_int_equal(number, HDF5_NO_NUMBER);
        assert_ok(hdf5_close(&file));
    }
    H5Fclose(make("other.h5", H5T_NATIVE_DOUBLE, &plain, 100)); /* small */
    assert_ok(hdf5_open(fixture_path("other.h5"), &file));
    assert_ok(hdf5_stored(file, "x", &number));
    assert_int_equal(number, HDF5_NO_NUMBER);
    assert_ok(hdf5_close(&file));
}

/* Behind an external link: the places are those of the other file. */
static void numbers_of_another_file(void **state)
{
    (void)state;
    static const struct layout layouts[] = {{0}, {.chunk_rows = 1024, .chunk_columns = 3}};
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
        struct hdf5_file *file;
        enum hdf5_number number = HDF5_F64;
        H5Fclose(make("linked.h5", H5T_NATIVE_DOUBLE, &layouts[l], ROWS));
        hid_t links = H5Fcreate(fixture_path("links.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Lcreate_external("linked.h5", "/x", links, "x", H5P_DEFAULT, H5P_DEFAULT) >=
                    0);
        H5Fclose(links);
        assert_ok(hdf5_open(fixture_path("links.h5"), &file));
        assert_ok(hdf5_stored(file, "x", &number));
        assert_int_equal(number, HDF5_NO_NUMBER);
        assert_ok(hdf5_close(&file));
    }
}

/* In blocks, at places and of lengths that are no multiples of what a device reads. */
static void past_the_page_cache(void **state)
{
    (void)state;
    static const struct layout layouts[] = {
        {0},
        {.chunk_rows = 1021, .chunk_columns = 3, .checksums = true},
        {.chunk_rows = 517, .chunk_columns = 3}};
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
        struct hdf5_file *file;
        enum hdf5_number number;
        H5Fclose(make("direct.h5", H5T_NATIVE_FLOAT, &layouts[l], ROWS));
        assert_ok(hdf5_open(fixture_path("direct.h5"), &file));
        hdf5_read_directly(file, ROWS * COLUMNS * sizeof(float));
        assert_ok(hdf5_stored(file, "x", &number));
        assert_int_equal(number, HDF5_F32);
        for (uint64_t block = 0; block < 5; block++) {
            uint64_t first = (block * 3 % 5) * 20000;
            assert_ok(hdf5_expect(file, "x", first, 20000));
            for (uint64_t part = 0; part < 20000; part += 5000)
                compare(file, HDF5_F32, first + part, 5000);
        }
        compare(file, HDF5_F32, ROWS - 1, 1);
        compare(file, HDF5_F32, 0, ROWS);
        /* Windows that begin one before the other and end at the same place. */
        compare(file, HDF5_F32, 20000, 10);
        compare(file, HDF5_F32, 15000, 5010);
        compare(file, HDF5_F32, ROWS - 10, 10);
        compare(file, HDF5_F32, ROWS - 5000, 5000);
        assert_ok(hdf5_close(&file));
    }
}

/* Behind an odd number of bytes: numbers are not seen where no number may lie in memory. */
static void numbers_that_begin_anywhere(void **state)
{
    (void)state;
    static const struct layout layout = {.odd_bytes = 1000001};
    struct hdf5_file *file;
    enum hdf5_number number;
    hid_t id = make("odd.h5", H5T_NATIVE_DOUBLE, &layout, ROWS);
    hid_t x = H5Dopen2(id, "x", H5P_DEFAULT);
    assert_int_not_equal(H5Dget_offset(x) % sizeof(double), 0);
    H5Dclose(x);
    H5Fclose(id);
    for (int directly = 0; directly < 2; directly++) {
        assert_ok(hdf5_open(fixture_path("odd.h5"), &file));
        if (directly)
            hdf5_read_directly(file, 0);
        assert_ok(hdf5_stored(file, "x", &number));
        compare(file, HDF5_F64, 0, 3000);
        compare(file, HDF5_F64, ROWS - 5000, 5000);
        assert_ok(hdf5_close(&file));
    }
}

/* The largest double of the file is at its end: one byte of a chunk, or the end, is damaged. */
static void damage_is_found(void **state)
{
    (void)state;
    static const struct layout layout = {.chunk_rows = 1024, .chunk_columns = 3, .checksums = true},
                               plain = {0};
    const double mark = 12345.678;
    struct hdf5_file *file;
    enum hdf5_number number;
    double *data = NULL;
    assert_ok(memory_alloc(&data, ROWS * COLUMNS, sizeof *data, "numbers"));
    hid_t id = make("damaged.h5", H5T_NATIVE_DOUBLE, &layout, ROWS);
    hid_t x = H5Dopen2(id, "x", H5P_DEFAULT);
    hsize_t first[2] = {5000, 1}, one[2] = {1, 1};
    hid_t space = H5Dget_space(x), memory = H5Screate(H5S_SCALAR);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, one, NULL);
    assert_true(H5Dwrite(x, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &mark) >= 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(x);
    H5Fclose(id);
    size_t length, at = 0;
    char *bytes = fixture_read("damaged.h5", &length);
    while (at + sizeof mark <= length && memcmp(bytes + at, &mark, sizeof mark) != 0)
        at++;
    assert_true(at + sizeof mark <= length);
    bytes[at + 3] ^= 0x10;
    fixture_write_bytes("damaged.h5", bytes, length);
    free(bytes);
    assert_ok(hdf5_open(fixture_path("damaged.h5"), &file));
    assert_ok(hdf5_stored(file, "x", &number));
    assert_ok(hdf5_read_stored(file, "x", 0, 4096, data));
    assert_usage(hdf5_read_stored(file, "x", 4096, 1000, data), "damaged", "'x'", "checksum");
    assert_usage(hdf5_read_stored(file, "x", 0, ROWS, data), "damaged", "'x'", "checksum");
    const void *seen;
    assert_usage(hdf5_view_stored(file, "x", 5000, 10, data, &seen), "damaged", "'x'", "checksum");
    assert_ok(hdf5_close(&file));

    H5Fclose(make("cut.h5", H5T_NATIVE_DOUBLE, &plain, ROWS));
    assert_ok(hdf5_open(fixture_path("cut.h5"), &file));
    assert_ok(hdf5_stored(file, "x", &number));
    assert_int_equal(number, HDF5_F64);
    struct hdf5_file *direct;
    assert_ok(hdf5_open(fixture_path("cut.h5"), &direct));
    hdf5_read_directly(direct, 0);
    assert_ok(hdf5_stored(direct, "x", &number));
    assert_int_equal(truncate(fixture_path("cut.h5"), 100000), 0);
    assert_usage(hdf5_read_stored(file, "x", ROWS - 10, 10, data), "'x'", "its end is missing");
    assert_usage(hdf5_read_stored(file, "x", ROWS - 1, 2, data), "100003", "expected");
    assert_usage(hdf5_read_stored(direct, "x", ROWS - 10, 10, data), "'x'", "its end is missing");
    assert_usage(hdf5_view_stored(direct, "x", ROWS - 10, 10, data, &seen), "'x'",
                 "its end is missing");
    assert_ok(hdf5_close(&direct));
    assert_ok(hdf5_close(&file));
    memory_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_numbers_are_those_of_the_library),
        cmocka_unit_test(what_cannot_be_had_so_is_left_to_the_library),
        cmocka_unit_test(numbers_of_another_file),
        cmocka_unit_test(past_the_page_cache),
        cmocka_unit_test(numbers_that_begin_anywhere),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
