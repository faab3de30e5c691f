/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "data/hdf5/hdf5_file.h"

#include "data_fixture.h"

#include <hdf5.h>
#include <stdbool.h>

/* Files of other programs, and damaged ones. */

static struct hdf5_file *create(const char *name)
{
    struct hdf5_file *file;
    unlink(fixture_path(name));
    assert_ok(hdf5_create(fixture_path(name), &file));
    return file;
}

static void put(hid_t file, const char *name, hid_t file_type, hid_t memory_type, hsize_t n,
                const void *data)
{
    hid_t space = n ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(file, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
}

static hid_t half_type(void)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

static hid_t bool_type(void)
{
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    int8_t value = 0;
    H5Tenum_insert(type, "FALSE", &value);
    value = 1;
    H5Tenum_insert(type, "TRUE", &value);
    return type;
}

static void foreign_numbers_are_read(void **state)
{
    (void)state;
    const double numbers[3] = {1, -2, 0.5};
    const int32_t whole[3] = {1, 0, 100};
    const int8_t flags[3] = {1, 0, 1};
    hid_t half = half_type(), boolean = bool_type();
    hid_t id = H5Fcreate(fixture_path("foreign.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const struct {
        const char *name;
        hid_t type;
        bool is_float;
    } sets[] = {{"be32", H5T_IEEE_F32BE, true},
                {"be64", H5T_IEEE_F64BE, true},
                {"half", half, true},
                {"long", H5T_NATIVE_LDOUBLE, true},
                {"u8", H5T_STD_U8LE, false},
                {"i8", H5T_STD_I8BE, false},
                {"i16be", H5T_STD_I16BE, false},
                {"u32be", H5T_STD_U32BE, false},
                {"u64be", H5T_STD_U64BE, false}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        put(id, sets[i].name, sets[i].type, sets[i].is_float ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT32,
            3, sets[i].is_float ? (const void *)numbers : whole);
    put(id, "bool", boolean, boolean, 3, flags);
    put(id, "scalar", H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, 0, numbers);
    H5Tclose(half);
    H5Tclose(boolean);
    H5Fclose(id);

    struct hdf5_file *file;
    double read[3];
    int64_t labels[3];
    assert_ok(hdf5_open(fixture_path("foreign.h5"), &file));
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct hdf5_shape shape;
        assert_ok(hdf5_shape(file, sets[i].name, &shape));
        assert_int_equal(shape.kind, sets[i].is_float ? HDF5_FLOAT : HDF5_INTEGER);
        assert_ok(hdf5_read_rows(file, sets[i].name, 0, 3, HDF5_AS_DOUBLE, read));
        for (int k = 0; k < 3; k++)
            assert_true(read[k] == (sets[i].is_float ? numbers[k] : whole[k]));
        if (sets[i].is_float)
            continue;
        assert_ok(hdf5_read_rows(file, sets[i].name, 0, 3, HDF5_AS_INT64, labels));
        assert_true(labels[0] == 1 && labels[1] == 0 && labels[2] == 100);
    }
    struct hdf5_shape shape;
    assert_ok(hdf5_shape(file, "bool", &shape));
    assert_int_equal(shape.kind, HDF5_INTEGER);
    assert_ok(hdf5_read_rows(file, "bool", 0, 3, HDF5_AS_INT64, labels));
    assert_true(labels[0] == 1 && labels[1] == 0 && labels[2] == 1);
    assert_ok(hdf5_read_rows(file, "bool", 0, 3, HDF5_AS_DOUBLE, read));
    assert_true(read[0] == 1 && read[1] == 0 && read[2] == 1);
    assert_ok(hdf5_shape(file, "scalar", &shape));
    assert_int_equal(shape.rank, 0);
    assert_ok(hdf5_read_rows(file, "scalar", 0, 1, HDF5_AS_DOUBLE, read));
    assert_true(read[0] == 1);
    assert_ok(hdf5_close(&file));
}

/* The library would take the nearest number that fits, and say nothing. */
static void numbers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const uint64_t large[2] = {1, (uint64_t)INT64_MAX + 1};
    const int64_t longs[2] = {1, INT64_C(1) << 40};
    const double fractions[2] = {1, 2.5}, whole[2] = {-7, 8};
    hid_t id = H5Fcreate(fixture_path("range.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(id, "u64", H5T_STD_U64LE, H5T_NATIVE_UINT64, 2, large);
    put(id, "u64be", H5T_STD_U64BE, H5T_NATIVE_UINT64, 2, large);
    put(id, "i64", H5T_STD_I64LE, H5T_NATIVE_INT64, 2, longs);
    put(id, "fraction", H5T_IEEE_F32BE, H5T_NATIVE_DOUBLE, 2, fractions);
    put(id, "whole", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, whole);
    H5Fclose(id);
    struct hdf5_file *file;
    int64_t read[2];
    int32_t narrow[2];
    assert_ok(hdf5_open(fixture_path("range.h5"), &file));
    assert_usage(hdf5_read_rows(file, "u64", 0, 2, HDF5_AS_INT64, read), "'u64'", "range");
    assert_usage(hdf5_read_rows(file, "u64be", 0, 2, HDF5_AS_INT64, read), "'u64be'", "range");
    assert_ok(hdf5_read_rows(file, "u64", 0, 1, HDF5_AS_INT64, read));
    assert_usage(hdf5_read_rows(file, "i64", 0, 2, HDF5_AS_INT32, narrow), "'i64'", "range");
    assert_usage(hdf5_read_rows(file, "fraction", 0, 2, HDF5_AS_INT64, read), "range.h5",
                 "'fraction'", "not whole");
    assert_ok(hdf5_read_rows(file, "whole", 0, 2, HDF5_AS_INT64, read));
    assert_true(read[0] == -7 && read[1] == 8);
    assert_ok(hdf5_close(&file));
}

static void put_strings(hid_t file, const char *name, H5T_str_t padding, const char *packed)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 4);
    H5Tset_strpad(type, padding);
    put(file, name, type, type, 2, packed);
    H5Tclose(type);
}

static void foreign_strings_are_read(void **state)
{
    (void)state;
    const char *const variable[3] = {"one", "", "a much longer text than the others"};
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t id = H5Fcreate(fixture_path("texts.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(id, "variable", type, type, 3, variable);
    put(id, "lone", type, type, 0, variable);
    put_strings(id, "null", H5T_STR_NULLPAD, "abcdxy\0");
    put_strings(id, "term", H5T_STR_NULLTERM, "abc\0x\0y");
    put_strings(id, "space", H5T_STR_SPACEPAD, "ab  cde ");
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(id, "title", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &variable[2]);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    H5Fclose(id);

    static const struct {
        const char *name, *joined;
    } sets[] = {{"variable", "one, , a much longer text than the others"},
                {"lone", "one"},
                {"null", "abcd, xy"},
                {"term", "abc, x"},
                {"space", "ab, cde"}};
    struct hdf5_file *file;
    char joined[100], *title;
    double number;
    assert_ok(hdf5_open(fixture_path("texts.h5"), &file));
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct string_list list = {0};
        assert_ok(hdf5_read_strings(file, sets[i].name, &list));
        string_list_join(&list, joined, sizeof joined);
        assert_string_equal(joined, sets[i].joined);
        string_list_release(&list);
    }
    assert_ok(hdf5_read_text(file, "/", "title", &title));
    assert_string_equal(title, variable[2]);
    memory_free(&title);
    assert_usage(hdf5_read_rows(file, "null", 0, 1, HDF5_AS_DOUBLE, &number), "texts.h5", "'null'",
                 "text");
    assert_ok(hdf5_close(&file));
}

/* A file as other programs write it, and one of ours, with a bit of everything. */
static void make_samples(void)
{
    double data[512];
    for (int i = 0; i < 512; i++)
        data[i] = i;
    const char *const texts[2] = {"variable", "length"};
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t id = H5Fcreate(fixture_path("cut0.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(id, "x", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 512, data);
    put(id, "s", type, type, 2, texts);
    H5Fclose(id);
    H5Tclose(type);
    const uint64_t dims[1] = {512};
    struct string_list list = {0};
    assert_ok(string_list_add_split(&list, "variable,length"));
    struct hdf5_file *file = create("cut1.h5");
    assert_ok(hdf5_create_dataset(file, "x", HDF5_AS_DOUBLE, 1, dims, 64));
    assert_ok(hdf5_write_rows(file, "x", 0, 512, HDF5_AS_DOUBLE, data));
    assert_ok(hdf5_write_strings(file, "s", &list));
    assert_ok(hdf5_write_text(file, "/", "note", "text"));
    assert_ok(hdf5_close(&file));
    string_list_release(&list);
}

/* Reads all there is. `told`: an error was reported; `right`: all that was read is right. */
static void read_sample(const char *name, bool *told, bool *right)
{
    struct hdf5_file *file;
    double data[512];
    struct string_list list = {0};
    *told = *right = true;
    if (hdf5_open(fixture_path(name), &file) != STATUS_OK)
        return;
    bool numbers = hdf5_read_rows(file, "x", 0, 512, HDF5_AS_DOUBLE, data) == STATUS_OK;
    bool strings = hdf5_read_strings(file, "s", &list) == STATUS_OK;
    *told = !numbers || !strings;
    for (int i = 0; i < 512 && numbers; i++)
        *right = *right && data[i] == i;
    if (strings)
        *right = *right && list.n == 2 && strcmp(list.item[1], "length") == 0;
    string_list_release(&list);
    hdf5_close(&file);
}

static void a_file_cut_at_any_length_is_refused(void **state)
{
    (void)state;
    make_samples();
    for (int k = 0; k < 2; k++) {
        const char *name = k == 0 ? "cut0.h5" : "cut1.h5";
        size_t length, refused_as_damaged = 0;
        bool told, right;
        read_sample(name, &told, &right);
        assert_true(right && !told);
        char *bytes = fixture_read(name, &length);
        for (size_t cut = 0; cut < length; cut += cut < 128 ? 1 : 97) {
            struct hdf5_file *file;
            fixture_write_bytes("part.h5", bytes, cut);
            assert_usage(hdf5_open(fixture_path("part.h5"), &file), "part.h5");
            refused_as_damaged += strstr(status_text(), "damaged") != NULL;
            assert_int_equal(hdf5_is_hdf5(fixture_path("part.h5")), cut >= 8);
            /*
             * As long as before, but zeros behind the cut: all that is asked is that this ends. A
             * block of zeros has the right Fletcher-32 sum, which is 0; and in the foreign file, a
             * zeroed heap of variable strings makes HDF5 1.10 loop for ever.
             */
            if (k == 0)
                continue;
            assert_int_equal(truncate(fixture_path("part.h5"), (off_t)length), 0);
            read_sample("part.h5", &told, &right);
        }
        assert_true(refused_as_damaged > 128 - 8);
        free(bytes);
    }
}

/* Every byte of our own files is covered by a checksum, or does not matter. */
static void a_flipped_bit_is_found(void **state)
{
    (void)state;
    size_t length;
    make_samples();
    char *bytes = fixture_read("cut1.h5", &length);
    bool told, right;
    int found = 0;
    for (size_t at = 0; at < length; at += 13) {
        bytes[at] ^= 1;
        fixture_write_bytes("flip.h5", bytes, length);
        bytes[at] ^= 1;
        read_sample("flip.h5", &told, &right);
        assert_true(right); /* what is handed out is never wrong */
        found += told;
    }
    assert_true(found > 100);
    free(bytes);
}

static void equal_content_gives_equal_files(void **state)
{
    (void)state;
    size_t length[2];
    char *bytes[2];
    for (int k = 0; k < 2; k++) {
        make_samples();
        bytes[k] = fixture_read("cut1.h5", &length[k]);
        if (k == 0)
            sleep(1); /* times are stored in seconds */
    }
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(bytes[0], bytes[1], length[0]);
    free(bytes[0]);
    free(bytes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_numbers_are_read),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(foreign_strings_are_read),
        cmocka_unit_test(a_file_cut_at_any_length_is_refused),
        cmocka_unit_test(a_flipped_bit_is_found),
        cmocka_unit_test(equal_content_gives_equal_files),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
