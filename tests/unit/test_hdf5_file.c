/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "base/real.h"
#include "data/hdf5/hdf5_file.h"

#include "data_fixture.h"

#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct hdf5_file *create(const char *name)
{
    struct hdf5_file *file;
    unlink(fixture_path(name));
    assert_ok(hdf5_create(fixture_path(name), &file));
    return file;
}

static struct hdf5_file *reopen(struct hdf5_file *file, const char *name)
{
    assert_ok(hdf5_close(&file));
    assert_null(file);
    assert_ok(hdf5_open(fixture_path(name), &file));
    return file;
}

static void every_type_comes_back(void **state)
{
    (void)state;
    const real reals[3] = {(real)0.1, -(real)2.5, (real)1e30};
    const double doubles[3] = {0.1, -1e300, 5e-324};
    const int32_t ints[3] = {INT32_MIN, 0, INT32_MAX};
    const int64_t longs[3] = {INT64_MIN, -1, INT64_MAX};
    const uint64_t naturals[3] = {0, 1, UINT64_MAX};
    const struct {
        const char *name;
        enum hdf5_type type;
        const void *data;
        size_t size;
        enum hdf5_kind kind;
    } sets[] = {{"/real", HDF5_AS_REAL, reals, sizeof(real), HDF5_FLOAT},
                {"/a/double", HDF5_AS_DOUBLE, doubles, 8, HDF5_FLOAT},
                {"/a/b/int32", HDF5_AS_INT32, ints, 4, HDF5_INTEGER},
                {"/a/b/int64", HDF5_AS_INT64, longs, 8, HDF5_INTEGER},
                {"uint64", HDF5_AS_UINT64, naturals, 8, HDF5_INTEGER}};
    const uint64_t dims[1] = {3};
    struct hdf5_file *file = create("types.h5");
    for (size_t i = 0; i < 5; i++) {
        assert_ok(hdf5_create_dataset(file, sets[i].name, sets[i].type, 1, dims, 2));
        assert_ok(hdf5_write_rows(file, sets[i].name, 0, 3, sets[i].type, sets[i].data));
    }
    assert_ok(hdf5_sync(file));
    file = reopen(file, "types.h5");
    for (size_t i = 0; i < 5; i++) {
        uint64_t back[3] = {0};
        struct hdf5_shape shape;
        assert_ok(hdf5_read_rows(file, sets[i].name, 0, 3, sets[i].type, back));
        assert_memory_equal(back, sets[i].data, 3 * sets[i].size);
        assert_ok(hdf5_shape(file, sets[i].name, &shape));
        assert_int_equal(shape.kind, sets[i].kind);
        assert_int_equal(shape.rank, 1);
        assert_int_equal(shape.dims[0], 3);
    }
    assert_ok(hdf5_close(&file));
}

static void rows_are_blocks_of_all_other_dimensions(void **state)
{
    (void)state;
    const uint64_t dims[3] = {5, 2, 3};
    double written[5][2][3], read[2][2][3];
    for (int i = 0; i < 30; i++)
        (&written[0][0][0])[i] = i;
    struct hdf5_file *file = create("rows.h5");
    assert_ok(hdf5_create_dataset(file, "x", HDF5_AS_DOUBLE, 3, dims, 1));
    assert_ok(hdf5_write_rows(file, "x", 2, 3, HDF5_AS_DOUBLE, written[2]));
    assert_ok(hdf5_write_rows(file, "x", 0, 2, HDF5_AS_DOUBLE, written[0]));
    file = reopen(file, "rows.h5");
    assert_ok(hdf5_read_rows(file, "/x", 3, 2, HDF5_AS_DOUBLE, read));
    assert_memory_equal(read, written[3], sizeof read);
    assert_ok(hdf5_read_rows(file, "/x", 5, 0, HDF5_AS_DOUBLE, read));
    assert_usage(hdf5_read_rows(file, "/x", 4, 2, HDF5_AS_DOUBLE, read), "rows.h5", "'/x'",
                 "it has 5");
    assert_usage(hdf5_read_rows(file, "/x", UINT64_MAX, 2, HDF5_AS_DOUBLE, read), "it has 5");
    assert_usage(hdf5_read_rows(file, "/z", 0, 1, HDF5_AS_DOUBLE, read), "rows.h5", "'/z'");
    assert_ok(hdf5_close(&file));
}

/* More data sets than are kept open at a time, written and read in turn. */
static void many_datasets(void **state)
{
    (void)state;
    const uint64_t dims[2] = {2, 1};
    char name[32];
    struct hdf5_file *file = create("many.h5");
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "/group/set%d", i);
        assert_ok(hdf5_create_dataset(file, name, HDF5_AS_INT32, 2, dims, 1));
    }
    for (int32_t row = 0; row < 2; row++)
        for (int i = 0; i < 30; i++) {
            int32_t value = 100 * row + i;
            snprintf(name, sizeof name, "/group/set%d", i);
            assert_ok(hdf5_write_rows(file, name, (uint64_t)row, 1, HDF5_AS_INT32, &value));
        }
    file = reopen(file, "many.h5");
    for (int32_t row = 0; row < 2; row++)
        for (int i = 0; i < 30; i++) {
            int32_t value;
            snprintf(name, sizeof name, "/group/set%d", i);
            assert_ok(hdf5_read_rows(file, name, (uint64_t)row, 1, HDF5_AS_INT32, &value));
            assert_int_equal(value, 100 * row + i);
        }
    assert_ok(hdf5_close(&file));
}

static void datasets_without_elements(void **state)
{
    (void)state;
    const uint64_t no_rows[2] = {0, 4}, no_columns[2] = {3, 0};
    struct string_list none = {0};
    struct hdf5_shape shape;
    struct hdf5_file *file = create("empty.h5");
    assert_ok(hdf5_create_dataset(file, "rows", HDF5_AS_REAL, 2, no_rows, 16));
    assert_ok(hdf5_create_dataset(file, "columns", HDF5_AS_REAL, 2, no_columns, 16));
    assert_ok(hdf5_write_strings(file, "texts", &none));
    file = reopen(file, "empty.h5");
    assert_ok(hdf5_shape(file, "rows", &shape));
    assert_int_equal(shape.dims[0], 0);
    assert_int_equal(shape.dims[1], 4);
    real nothing;
    assert_ok(hdf5_read_rows(file, "columns", 0, 3, HDF5_AS_REAL, &nothing));
    assert_ok(hdf5_read_strings(file, "texts", &none));
    assert_int_equal(none.n, 0);
    assert_ok(hdf5_close(&file));
}

/* Rows of more than 4 GiB, and more rows than an int counts; nothing is ever written. */
static void huge_shapes(void **state)
{
    (void)state;
    const uint64_t tall[2] = {3000000000u, 1}, wide[2] = {2, 3000000000u};
    struct hdf5_shape shape;
    double last[2] = {1, 1};
    struct hdf5_file *file = create("huge.h5");
    assert_ok(hdf5_create_dataset(file, "tall", HDF5_AS_REAL, 2, tall, UINT64_MAX));
    assert_ok(hdf5_create_dataset(file, "wide", HDF5_AS_DOUBLE, 2, wide, 2));
    file = reopen(file, "huge.h5");
    assert_ok(hdf5_shape(file, "tall", &shape));
    assert_int_equal(shape.dims[0], 3000000000u);
    assert_ok(hdf5_read_rows(file, "tall", 2999999998u, 2, HDF5_AS_DOUBLE, last));
    assert_true(last[0] == 0 && last[1] == 0);
    assert_ok(hdf5_shape(file, "wide", &shape));
    assert_int_equal(shape.dims[1], 3000000000u);
    assert_ok(hdf5_close(&file));

    hid_t id = H5Fopen(fixture_path("huge.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    const char *const names[2] = {"tall", "wide"};
    for (int i = 0; i < 2; i++) {
        hid_t dataset = H5Dopen2(id, names[i], H5P_DEFAULT);
        hid_t creation = H5Dget_create_plist(dataset);
        hsize_t chunk[2];
        assert_int_equal(H5Pget_chunk(creation, 2, chunk), 2);
        assert_true(chunk[0] * chunk[1] * 8 < UINT64_C(1) << 32);
        assert_int_equal(H5Pget_nfilters(creation), 1);
        H5Pclose(creation);
        H5Dclose(dataset);
    }
    H5Fclose(id);
}

static void strings_come_back(void **state)
{
    (void)state;
    struct string_list list = {0}, back = {0};
    char text[32];
    assert_ok(string_list_add(&list, ""));
    assert_ok(string_list_add(&list, "\xCE\xB1\xCE\xB2 long enough for the longest"));
    for (int i = 0; i < 10000; i++) { /* several blocks */
        snprintf(text, sizeof text, "text %d ", i);
        assert_ok(string_list_add(&list, text));
    }
    struct hdf5_file *file = create("strings.h5");
    assert_ok(hdf5_write_strings(file, "/names", &list));
    assert_ok(hdf5_write_text_list(file, "/names", "list", &list)); /* over 64 KiB */
    file = reopen(file, "strings.h5");
    assert_ok(hdf5_read_strings(file, "/names", &back));
    assert_true(string_list_equal(&list, &back));
    string_list_release(&back);
    assert_ok(hdf5_read_text_list(file, "/names", "list", &back));
    assert_true(string_list_equal(&list, &back));
    assert_ok(hdf5_close(&file));
    string_list_release(&list);
    string_list_release(&back);
}

static void attributes_come_back(void **state)
{
    (void)state;
    char *text;
    int64_t whole;
    double number;
    struct hdf5_file *file = create("attributes.h5");
    assert_ok(hdf5_create_group(file, "/config"));
    assert_ok(hdf5_create_group(file, "/config"));
    assert_ok(hdf5_write_text(file, "/", "format", "first"));
    assert_ok(hdf5_write_text(file, "/", "format", "coterie-checkpoint")); /* replaces */
    assert_ok(hdf5_write_text(file, "/config", "nothing", ""));
    assert_ok(hdf5_write_int64(file, "/config", "step", INT64_MIN));
    assert_ok(hdf5_write_double(file, "/config", "rate", 0.1));
    file = reopen(file, "attributes.h5");
    assert_ok(hdf5_read_text(file, "/", "format", &text));
    assert_string_equal(text, "coterie-checkpoint");
    memory_free(&text);
    assert_ok(hdf5_read_text(file, "/config", "nothing", &text));
    assert_string_equal(text, "");
    memory_free(&text);
    assert_ok(hdf5_read_int64(file, "/config", "step", &whole));
    assert_true(whole == INT64_MIN);
    assert_ok(hdf5_read_double(file, "/config", "rate", &number));
    assert_true(number == 0.1);
    assert_true(hdf5_has_attribute(file, "/config", "rate"));
    assert_false(hdf5_has_attribute(file, "/config", "speed"));
    assert_false(hdf5_has_attribute(file, "/nowhere", "rate"));
    assert_usage(hdf5_read_text(file, "/config", "speed", &text), "attributes.h5", "'/config'",
                 "'speed'");
    assert_usage(hdf5_read_int64(file, "/config", "rate", &whole), "'rate'", "whole number");
    assert_usage(hdf5_read_double(file, "/", "format", &number), "'format'", "not a number");
    assert_usage(hdf5_read_text(file, "/config", "step", &text), "'step'", "no text");
    assert_null(text);
    assert_ok(hdf5_close(&file));
}

static status note_attribute(const char *name, const char *value, void *context)
{
    char *text = context;
    snprintf(text + strlen(text), 500 - strlen(text), "%s=%s;", name, value);
    return STATUS_OK;
}

static status note_object(const char *name, const struct hdf5_shape *shape, void *context)
{
    char *text = context;
    snprintf(text + strlen(text), 500 - strlen(text), "%s:%d;", name,
             shape->kind == HDF5_GROUP ? -1 : shape->rank);
    return STATUS_OK;
}

static status refuse(const char *name, const struct hdf5_shape *shape, void *context)
{
    (void)shape;
    ++*(int *)context;
    return status_set(STATUS_FAILED, "refused %s", name);
}

static void objects_and_attributes_are_visited_in_order(void **state)
{
    (void)state;
    char text[500] = "";
    const uint64_t dims[2] = {1, 1};
    int calls = 0;
    struct string_list list = {0};
    assert_ok(string_list_add_split(&list, "b,a"));
    struct hdf5_file *file = create("visit.h5");
    assert_ok(hdf5_create_dataset(file, "/z/two", HDF5_AS_REAL, 2, dims, 1));
    assert_ok(hdf5_create_dataset(file, "/z/one", HDF5_AS_REAL, 1, dims, 1));
    assert_ok(hdf5_create_group(file, "/a"));
    assert_ok(hdf5_write_double(file, "/z", "third", 0.5));
    assert_ok(hdf5_write_int64(file, "/z", "second", -3));
    assert_ok(hdf5_write_text_list(file, "/z", "first", &list));
    assert_ok(hdf5_write_text(file, "/z", "fourth", "word"));
    file = reopen(file, "visit.h5");
    assert_ok(hdf5_visit(file, "/", note_object, text));
    assert_string_equal(text, "/a:-1;/z:-1;/z/one:1;/z/two:2;");
    text[0] = '\0';
    assert_ok(hdf5_visit(file, "/z", note_object, text));
    assert_string_equal(text, "/z/one:1;/z/two:2;");
    text[0] = '\0';
    assert_ok(hdf5_visit_attributes(file, "/z", note_attribute, text));
    assert_string_equal(text, "first=b, a;fourth=word;second=-3;third=0.5;");
    assert_int_equal(hdf5_visit(file, "/", refuse, &calls), STATUS_FAILED);
    assert_string_equal(status_text(), "refused /a");
    assert_int_equal(calls, 1);
    assert_true(hdf5_exists(file, "/") && hdf5_exists(file, "z/two") && hdf5_exists(file, "/z/"));
    assert_false(hdf5_exists(file, "") || hdf5_exists(file, "/y/two") || hdf5_exists(file, "/zz"));
    assert_ok(hdf5_close(&file));
    string_list_release(&list);
}

static void files_that_cannot_be_opened(void **state)
{
    (void)state;
    struct hdf5_file *file;
    assert_usage(hdf5_open(fixture_path("none.h5"), &file), "none.h5", "no such file");
    assert_null(file);
    assert_usage(hdf5_open(fixture_folder, &file), fixture_folder, "folder");
    fixture_write("void.h5", "");
    assert_usage(hdf5_open(fixture_path("void.h5"), &file), "void.h5", "empty");
    fixture_write("text.h5", "a,b\n1,2\n");
    assert_usage(hdf5_open(fixture_path("text.h5"), &file), "text.h5", "not an HDF5 file");
    assert_false(hdf5_is_hdf5(fixture_path("text.h5")));
    assert_false(hdf5_is_hdf5(fixture_folder));
    assert_usage(hdf5_open("/dev/null", &file), "not a regular file");
    if (geteuid() == 0) {
        print_message("not tried as root, who may read everything: no permission\n");
        return;
    }
    assert_int_equal(chmod(fixture_path("text.h5"), 0), 0);
    assert_usage(hdf5_open(fixture_path("text.h5"), &file), "text.h5", "permission");
}

static void files_that_cannot_be_made(void **state)
{
    (void)state;
    struct hdf5_file *file;
    fixture_write("there.h5", "mine");
    assert_usage(hdf5_create(fixture_path("there.h5"), &file), "there.h5", "exists");
    size_t length;
    char *text = fixture_read("there.h5", &length);
    assert_string_equal(text, "mine");
    free(text);
    assert_int_equal(hdf5_create(fixture_path("no/such.h5"), &file), STATUS_FAILED);
    assert_non_null(strstr(status_text(), "no/such.h5"));
    assert_null(file);
}

static void a_locked_file_is_explained(void **state)
{
    (void)state;
    struct hdf5_file *file = create("locked.h5");
    assert_ok(hdf5_close(&file));
    int descriptor = open(fixture_path("locked.h5"), O_RDWR);
    assert_int_equal(flock(descriptor, LOCK_EX), 0);
    assert_usage(hdf5_open(fixture_path("locked.h5"), &file), "locked.h5",
                 "HDF5_USE_FILE_LOCKING=FALSE");
    close(descriptor);
    assert_ok(hdf5_open(fixture_path("locked.h5"), &file));
    assert_ok(hdf5_close(&file));
}

/* As on a full disk: the file may not grow beyond 64 KiB. */
static void a_failed_write_is_reported_and_harmless(void **state)
{
    (void)state;
    const uint64_t dims[2] = {64, 1024};
    double row[1024] = {1};
    struct rlimit before, small;
    status outcome = STATUS_OK;
    signal(SIGXFSZ, SIG_IGN);
    struct hdf5_file *file = create("full.h5");
    assert_ok(hdf5_create_dataset(file, "/x", HDF5_AS_DOUBLE, 2, dims, 1));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 65536;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint64_t i = 0; i < 64 && outcome == STATUS_OK; i++)
        outcome = hdf5_write_rows(file, "/x", i, 1, HDF5_AS_DOUBLE, row);
    if (outcome == STATUS_OK)
        outcome = hdf5_sync(file);
    check_failure(outcome, STATUS_FAILED, (const char *const[]){"full.h5", "written", NULL},
                  __FILE__, __LINE__);
    outcome = hdf5_close(&file); /* may fail too, but must end */
    assert_true(outcome == STATUS_OK || outcome == STATUS_FAILED);
    assert_null(file);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    /* The library is still usable. */
    file = create("after.h5");
    assert_ok(hdf5_close(&file));
}

/* Before the library writes: some builds of it end the program when they cannot close a file. */
static void room_is_reserved_before_it_is_used(void **state)
{
    (void)state;
    const uint64_t dims[2] = {64, 1024};
    double row[1024] = {1};
    struct stat about;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 16384;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct hdf5_file *file;
    unlink(fixture_path("room.h5"));
    assert_int_equal(hdf5_create(fixture_path("room.h5"), &file), STATUS_FAILED);
    assert_non_null(strstr(status_text(), "File too large"));
    assert_null(file);
    assert_int_equal(stat(fixture_path("room.h5"), &about), -1);
    /* Enough to begin with: what fails is the first row, and the file is closed as it should be. */
    small.rlim_cur = 40000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    file = create("room.h5");
    assert_ok(hdf5_create_dataset(file, "/x", HDF5_AS_DOUBLE, 2, dims, 1));
    assert_int_equal(hdf5_write_rows(file, "/x", 0, 1, HDF5_AS_DOUBLE, row), STATUS_FAILED);
    assert_non_null(strstr(status_text(), "File too large"));
    assert_ok(hdf5_close(&file));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

static void room_that_was_not_used_is_given_back(void **state)
{
    (void)state;
    const uint64_t dims[2] = {8, 1024};
    double rows[8 * 1024] = {1};
    struct stat about;
    struct hdf5_file *file = create("given.h5");
    assert_ok(hdf5_create_dataset(file, "/x", HDF5_AS_DOUBLE, 2, dims, 1));
    assert_ok(hdf5_write_rows(file, "/x", 0, 8, HDF5_AS_DOUBLE, rows));
    assert_ok(hdf5_close(&file));
    assert_int_equal(stat(fixture_path("given.h5"), &about), 0);
    assert_in_range(about.st_blocks * 512, about.st_size / 2, about.st_size + 8192);
}

static void version_is_the_libraries(void **state)
{
    (void)state;
    char text[32], expected[32];
    hdf5_version(text, sizeof text);
    snprintf(expected, sizeof expected, "%d.%d.%d", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    assert_string_equal(text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_the_libraries),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(rows_are_blocks_of_all_other_dimensions),
        cmocka_unit_test(many_datasets),
        cmocka_unit_test(datasets_without_elements),
        cmocka_unit_test(huge_shapes),
        cmocka_unit_test(strings_come_back),
        cmocka_unit_test(attributes_come_back),
        cmocka_unit_test(objects_and_attributes_are_visited_in_order),
        cmocka_unit_test(files_that_cannot_be_opened),
        cmocka_unit_test(files_that_cannot_be_made),
        cmocka_unit_test(a_locked_file_is_explained),
        cmocka_unit_test(a_failed_write_is_reported_and_harmless),
        cmocka_unit_test(room_is_reserved_before_it_is_used),
        cmocka_unit_test(room_that_was_not_used_is_given_back),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
