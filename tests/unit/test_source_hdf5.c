/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"
#include "data/formats/formats.h"
#include "data/hdf5/hdf5_file.h"
#include "data/source/source_internal.h"

#include "data_fixture.h"

#include <hdf5.h>

#include <math.h>

static const double x_data[4][3] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}};

static struct hdf5_file *create(const char *name)
{
    struct hdf5_file *file;
    unlink(fixture_path(name));
    assert_ok(hdf5_create(fixture_path(name), &file));
    return file;
}

static void put(struct hdf5_file *file, const char *name, enum hdf5_type type, uint64_t rows,
                uint64_t columns, const void *data)
{
    static const double zeros[64];
    const uint64_t dims[2] = {rows, columns};
    assert_ok(hdf5_create_dataset(file, name, type, columns ? 2 : 1, dims, 2));
    assert_ok(hdf5_write_rows(file, name, 0, rows, type, data ? data : zeros));
}

static void put_names(struct hdf5_file *file, const char *name, const char *attribute,
                      const char *text)
{
    struct string_list list = {0};
    assert_ok(string_list_add_split(&list, text));
    if (attribute)
        assert_ok(hdf5_write_text_list(file, name, attribute, &list));
    else
        assert_ok(hdf5_write_strings(file, name, &list));
    string_list_release(&list);
}

static struct hdf5_file *create_with_x(const char *name)
{
    struct hdf5_file *file = create(name);
    put(file, "/x", HDF5_AS_DOUBLE, 4, 3, x_data);
    return file;
}

static struct source *opened(struct hdf5_file *file, const struct source_request *request)
{
    struct source *source;
    struct source_request complete = *request;
    char path[256];
    if (file) {
        snprintf(path, sizeof path, "%s", hdf5_path(file));
        complete.path = path;
        assert_ok(hdf5_close(&file));
    }
    assert_ok(source_open(&complete, &source));
    return source;
}

static status outcome_of(const char *name, struct source_request request)
{
    struct source *source;
    request.path = fixture_path(name);
    status outcome = source_open(&request, &source);
    source_close(&source);
    return outcome;
}

static void check_joined(const struct string_list *list, const char *expected)
{
    char text[200];
    string_list_join(list, text, sizeof text);
    assert_string_equal(text, expected);
}

static void regression_with_names(void **state)
{
    (void)state;
    const double y_data[4][2] = {{.1, .2}, {.3, .4}, {.5, .6}, {.7, .8}};
    const int64_t groups[4] = {12, 5, 12, -1};
    const double weights[4] = {0, 1, 2, 3};
    struct hdf5_file *file = create_with_x("full.h5");
    put(file, "/y", HDF5_AS_DOUBLE, 4, 2, y_data);
    put(file, "/group", HDF5_AS_INT64, 4, 0, groups);
    put(file, "/weight", HDF5_AS_DOUBLE, 4, 0, weights);
    put_names(file, "/x", "names", "age,height,width");
    struct source *source = opened(file, &(struct source_request){0});
    const struct source_info *info = source_info(source);
    const int32_t expected_groups[4] = {2, 1, 2, 0};
    double x[2][3], y[2][2];
    assert_string_equal(info->format->name, "HDF5");
    assert_true(info->n == 4 && info->n_inputs == 3 && info->n_targets == 2);
    assert_true(info->names_known && !info->has_labels);
    check_joined(&info->input_names, "age, height, width");
    check_joined(&info->target_names, "y0, y1");
    check_joined(&info->group_names, "-1, 5, 12");
    assert_memory_equal(info->group, expected_groups, sizeof expected_groups);
    assert_memory_equal(info->weight, weights, sizeof weights);
    assert_ok(source_read(source, 1, 2, &x[0][0], &y[0][0]));
    assert_memory_equal(x, x_data[1], sizeof x);
    assert_memory_equal(y, y_data[1], sizeof y);
    source_close(&source);
}

static void labels_of_every_kind(void **state)
{
    (void)state;
    const int32_t whole[4] = {10, 9, 10, -2};
    const double floats[4] = {1, 0, 1, 3}, fractions[4] = {1, 0, 1.5, 3};
    const int32_t expected[4] = {2, 1, 2, 0};
    struct hdf5_file *file = create_with_x("labels.h5");
    put(file, "/y", HDF5_AS_INT32, 4, 0, whole);
    put_names(file, "/text", NULL, "b,a,b,c");
    put(file, "/float", HDF5_AS_DOUBLE, 4, 0, floats);
    put(file, "/fraction", HDF5_AS_DOUBLE, 4, 0, fractions);
    put(file, "/column", HDF5_AS_INT32, 4, 1, whole);
    struct source *source = opened(file, &(struct source_request){0});
    assert_true(source_info(source)->has_labels);
    check_joined(&source_info(source)->classes, "-2, 9, 10");
    check_joined(&source_info(source)->input_names, "x0, x1, x2");
    assert_false(source_info(source)->names_known);
    assert_memory_equal(source_info(source)->label, expected, sizeof expected);
    source_close(&source);

    struct source_request request = {.path = fixture_path("labels.h5"), .targets = "text"};
    source = opened(NULL, &request);
    check_joined(&source_info(source)->classes, "a, b, c");
    assert_int_equal(source_info(source)->label[0], 1);
    assert_string_equal(source_info(source)->target_names.item[0], "text");
    source_close(&source);

    request.targets = "float";
    source = opened(NULL, &request);
    assert_false(source_info(source)->has_labels);
    source_close(&source);
    request.target_kind = TARGETS_LABELS;
    source = opened(NULL, &request);
    check_joined(&source_info(source)->classes, "0, 1, 3");
    source_close(&source);
    request.targets = "column";
    source = opened(NULL, &request);
    assert_memory_equal(source_info(source)->label, expected, sizeof expected);
    source_close(&source);
    request.target_kind = TARGETS_AUTO; /* integers of shape (N, 1) are numbers */
    source = opened(NULL, &request);
    assert_int_equal(source_info(source)->n_targets, 1);
    source_close(&source);
    request.targets = NULL;
    request.target_kind = TARGETS_NUMBERS;
    source = opened(NULL, &request);
    assert_int_equal(source_info(source)->n_targets, 1);
    assert_false(source_info(source)->has_labels);
    source_close(&source);

    request.targets = "text";
    assert_usage(outcome_of("labels.h5", request), "labels.h5", "'text'", "text",
                 "--task classification");
    request.targets = "fraction";
    request.target_kind = TARGETS_LABELS;
    assert_usage(outcome_of("labels.h5", request), "labels.h5", "row 2", "'fraction'", "1.5",
                 "whole");
    request.targets = "text,float";
    assert_usage(outcome_of("labels.h5", request), "labels.h5", "--targets", "one data set");
    request.targets = "x";
    assert_usage(outcome_of("labels.h5", request), "'x'", "(4, 3)");
    request.targets = NULL;
    request.inputs = "text";
    assert_usage(outcome_of("labels.h5", request), "labels.h5", "'text'", "--inputs");
}

static void named_classes(void **state)
{
    (void)state;
    const int32_t whole[4] = {2, 0, 2, 1};
    const int32_t expected[4] = {0, 2, 0, 1}; /* of the sorted names */
    struct hdf5_file *file = create_with_x("named.h5");
    put(file, "/y", HDF5_AS_INT32, 4, 0, whole);
    put_names(file, "/y", "classes", "versicolor,setosa,alba");
    struct source *source = opened(file, &(struct source_request){0});
    check_joined(&source_info(source)->classes, "alba, setosa, versicolor");
    assert_memory_equal(source_info(source)->label, expected, sizeof expected);
    source_close(&source);

    file = create_with_x("few.h5");
    put(file, "/y", HDF5_AS_INT32, 4, 0, whole);
    put_names(file, "/y", "classes", "a,b");
    assert_ok(hdf5_close(&file));
    assert_usage(outcome_of("few.h5", (struct source_request){0}), "few.h5", "'/y'", "row 0",
                 "label 2", "2 classes");
    file = create_with_x("twice.h5");
    put(file, "/y", HDF5_AS_INT32, 4, 0, whole);
    put_names(file, "/y", "classes", "a,b,a");
    assert_ok(hdf5_close(&file));
    assert_usage(outcome_of("twice.h5", (struct source_request){0}), "twice.h5", "'a' twice");
}

static void several_datasets_are_joined(void **state)
{
    (void)state;
    const double single[4] = {-1, -2, -3, -4},
                 pair[4][2] = {{.1, .2}, {.3, .4}, {.5, .6}, {.7, .8}};
    struct hdf5_file *file = create_with_x("several.h5");
    put(file, "/temperature", HDF5_AS_DOUBLE, 4, 0, single);
    put(file, "/deep/pair", HDF5_AS_DOUBLE, 4, 2, pair);
    put(file, "/y", HDF5_AS_DOUBLE, 4, 0, single);
    struct source_request request = {.inputs = "deep/pair,temperature,x"};
    struct source *source = opened(file, &request);
    const double expected[2][6] = {{.3, .4, -2, 4, 5, 6}, {.5, .6, -3, 7, 8, 9}};
    double x[2][6];
    assert_int_equal(source_info(source)->n_inputs, 6);
    check_joined(&source_info(source)->input_names,
                 "deep/pair0, deep/pair1, temperature, x0, x1, x2");
    assert_ok(source_read(source, 1, 2, &x[0][0], NULL));
    assert_memory_equal(x, expected, sizeof x);
    source_close(&source);
}

/* The names in a checkpoint find the columns of a file that was never named on a command line. */
static void columns_are_found_by_name(void **state)
{
    (void)state;
    const double y_data[4][2] = {{.1, .2}, {.3, .4}, {.5, .6}, {.7, .8}};
    struct hdf5_file *file = create_with_x("names.h5");
    put(file, "/y", HDF5_AS_DOUBLE, 4, 2, y_data);
    put(file, "/more", HDF5_AS_DOUBLE, 4, 3, x_data);
    put_names(file, "/x", "names", "age,height,width");
    struct source_request request = {.inputs = "width,age,more1", .targets = "y1"};
    struct source *source = opened(file, &request);
    const double expected[3] = {12, 10, 11};
    double x[3], y;
    assert_ok(source_read(source, 3, 1, x, &y));
    assert_memory_equal(x, expected, sizeof x);
    assert_true(y == .8);
    check_joined(&source_info(source)->input_names, "width, age, more1");
    source_close(&source);
    request.inputs = "more3";
    assert_usage(outcome_of("names.h5", request), "names.h5", "'/more3'", "--inputs");
    request.inputs = NULL;
    request.targets = "price";
    assert_usage(outcome_of("names.h5", request), "names.h5", "'/price'", "--targets");
    request.target_kind = TARGETS_OPTIONAL;
    request.path = fixture_path("names.h5");
    source = opened(NULL, &request);
    assert_int_equal(source_info(source)->target_names.n, 0);
    assert_int_equal(source_info(source)->n_targets, 0);
    source_close(&source);
}

static void excluded_columns(void **state)
{
    (void)state;
    struct hdf5_file *file = create_with_x("names.h5");
    put(file, "/y", HDF5_AS_REAL, 4, 0, NULL);
    put_names(file, "/x", "names", "age,height,width");
    struct source_request request = {.exclude = "height"};
    struct source *source = opened(file, &request);
    const double expected[4] = {7, 9, 10, 12};
    double x[4];
    assert_ok(source_read(source, 2, 2, x, NULL));
    assert_memory_equal(x, expected, sizeof x);
    check_joined(&source_info(source)->input_names, "age, width");
    source_close(&source);
    request.exclude = "hight";
    assert_usage(outcome_of("names.h5", request), "names.h5", "'hight'", "--exclude",
                 "did you mean 'height'", "age, height, width");
    request.exclude_if_there = true;
    request.path = fixture_path("names.h5");
    source = opened(NULL, &request);
    assert_int_equal(source_info(source)->n_inputs, 3);
    source_close(&source);
    request.exclude = "width,height,age";
    assert_usage(outcome_of("names.h5", request), "names.h5", "--exclude", "'/x'");
}

static void one_dimension_is_one_input(void **state)
{
    (void)state;
    const double single[4] = {1, 2, 3, 4};
    struct hdf5_file *file = create("line.h5");
    put(file, "/x", HDF5_AS_REAL, 4, 0, NULL);
    put(file, "/y", HDF5_AS_DOUBLE, 4, 0, single);
    struct source *source = opened(file, &(struct source_request){0});
    assert_int_equal(source_info(source)->n_inputs, 1);
    check_joined(&source_info(source)->input_names, "x0");
    check_joined(&source_info(source)->target_names, "y0");
    source_close(&source);
}

static void shapes_that_do_not_fit(void **state)
{
    (void)state;
    double three[4] = {1, 2, 3, 4};
    const uint64_t cube[3] = {4, 2, 2};
    struct hdf5_file *file = create_with_x("shapes.h5");
    put(file, "/y", HDF5_AS_DOUBLE, 2, 0, three);
    put(file, "/long", HDF5_AS_DOUBLE, 4, 0, three);
    put(file, "/none", HDF5_AS_DOUBLE, 0, 3, NULL);
    put(file, "/no_columns", HDF5_AS_DOUBLE, 4, 2, NULL);
    assert_ok(hdf5_create_dataset(file, "/cube", HDF5_AS_DOUBLE, 3, cube, 1));
    assert_ok(hdf5_create_group(file, "/folder"));
    put_names(file, "/long", "names", "a,b");
    assert_ok(hdf5_close(&file));
    assert_usage(outcome_of("shapes.h5", (struct source_request){0}), "shapes.h5", "'/x'", "(4, 3)",
                 "'/y'", "(2)");
    assert_usage(outcome_of("shapes.h5", (struct source_request){.inputs = "x,y"}), "(4, 3)",
                 "(2)");
    assert_usage(outcome_of("shapes.h5", (struct source_request){.inputs = "none"}), "shapes.h5",
                 "holds no samples", "(0, 3)");
    assert_usage(outcome_of("shapes.h5", (struct source_request){.inputs = "cube"}), "'cube'",
                 "(4, 2, 2)");
    assert_usage(outcome_of("shapes.h5", (struct source_request){.inputs = "folder"}), "'folder'",
                 "group");
    assert_usage(outcome_of("shapes.h5", (struct source_request){.inputs = "long"}), "'names'",
                 "2 names for 1");
    assert_usage(outcome_of("shapes.h5", (struct source_request){.inputs = "lnog"}), "'/lnog'",
                 "did you mean '/long'", "--inputs", "/cube, /long, /no_columns, /none, /x, /y");
    struct source_request request = {.inputs = "no_columns", .targets = "cube"};
    assert_usage(outcome_of("shapes.h5", request), "'cube'", "(4, 2, 2)");
    request = (struct source_request){.targets = "no_columns", .group = "y"};
    assert_usage(outcome_of("shapes.h5", request), "'y'", "--group", "(2)", "(4)");
    request.group = "speaker";
    assert_usage(outcome_of("shapes.h5", request), "'/speaker'", "--group");
    request = (struct source_request){.targets = "no_columns", .weight = "x"};
    assert_usage(outcome_of("shapes.h5", request), "'x'", "--weight", "(4, 3)");
    file = create("without.h5");
    put(file, "/inputs", HDF5_AS_DOUBLE, 4, 3, x_data);
    assert_ok(hdf5_close(&file));
    assert_usage(outcome_of("without.h5", (struct source_request){0}), "'/x'", "--inputs",
                 "/inputs");
    assert_usage(outcome_of("without.h5", (struct source_request){.inputs = "inputs"}), "'/y'",
                 "--targets");
    assert_null(strstr(status_text(), "for example"));
    request = (struct source_request){.inputs = "inputs", .target_kind = TARGETS_OPTIONAL};
    assert_ok(outcome_of("without.h5", request));
}

static void numbers_that_are_not_finite(void **state)
{
    (void)state;
    double x_bad[4][3], y_bad[4] = {1, 2, INFINITY, 4};
    memcpy(x_bad, x_data, sizeof x_bad);
    x_bad[3][1] = NAN;
    struct hdf5_file *file = create("bad.h5");
    put(file, "/x", HDF5_AS_DOUBLE, 4, 3, x_bad);
    put(file, "/y", HDF5_AS_DOUBLE, 4, 0, y_bad);
    put(file, "/good", HDF5_AS_DOUBLE, 4, 3, x_data);
    struct source *source = opened(file, &(struct source_request){.inputs = "good,x"});
    double x[24], y[4];
    assert_usage(source_read(source, 2, 2, x, y), "bad.h5", "'x'", "row 3", "column 'x1'", "nan");
    assert_usage(source_read(source, 0, 3, x, y), "bad.h5", "'/y'", "row 2", "column 'y0'", "inf");
    assert_ok(source_read(source, 0, 2, x, y));
    source_close(&source);
    file = create_with_x("weights.h5");
    y_bad[2] = NAN;
    put(file, "/y", HDF5_AS_DOUBLE, 4, 3, x_data);
    put(file, "/weight", HDF5_AS_DOUBLE, 4, 0, y_bad);
    assert_ok(hdf5_close(&file));
    assert_usage(outcome_of("weights.h5", (struct source_request){0}), "weights.h5", "row 2",
                 "'/weight'", "--weight");
}

/* More rows than an int, and than memory: opening reads none of them. */
/* A data set of so many rows that has its place in the file, of which the disk has nothing. */
static void put_huge(hid_t file, const char *name, hsize_t rows)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &rows, NULL);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    hid_t set = H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(creation);
}

static void a_huge_file_opens_at_once(void **state)
{
    (void)state;
    hid_t made = H5Fcreate(fixture_path("huge.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put_huge(made, "x", 3000000000u);
    put_huge(made, "y", 3000000000u);
    assert_true(H5Fclose(made) >= 0);
    struct hdf5_file *file;
    assert_ok(hdf5_open(fixture_path("huge.h5"), &file));
    double start = clock_seconds(), x[2] = {1, 1}, y[2] = {1, 1};
    struct source *source = opened(file, &(struct source_request){0});
    assert_true(clock_seconds() - start < 2);
    assert_true(source_info(source)->n == 3000000000u);
    assert_ok(source_read(source, 2999999998u, 2, x, y));
    assert_true(x[1] == 0 && y[1] == 0);
    source_close(&source);
}

/* The same samples in both formats are the same data. */
static void same_fingerprint_as_csv(void **state)
{
    (void)state;
    uint64_t fingerprint[2];
    fixture_write("same.csv", "a,b,c,y\n1,2,3,no\n4,5,6,yes\n7,8,9,no\n10,11,12,no\n");
    struct source_request request = {.path = fixture_path("same.csv")};
    struct source *source = opened(NULL, &request);
    assert_ok(source_fingerprint(source, &fingerprint[0]));
    source_close(&source);
    struct hdf5_file *file = create_with_x("same.h5");
    put_names(file, "/x", "names", "a,b,c");
    put_names(file, "/y", NULL, "no,yes,no,no");
    put_names(file, "/y", "names", "y");
    source = opened(file, &(struct source_request){0});
    assert_ok(source_fingerprint(source, &fingerprint[1]));
    source_close(&source);
    assert_true(fingerprint[0] == fingerprint[1]);
}

/* After a pass nothing is read any more: not even what has become of the file. */
static void numbers_that_are_kept(void **state)
{
    (void)state;
    enum { X_AND_Y = 12 + 4 };
    const double y_data[4][1] = {{1}, {2}, {3}, {4}};
    uint64_t fingerprint;
    double x[2][3], y[2];
    for (int has_inputs = 0; has_inputs < 2; has_inputs++) {
        struct hdf5_file *file = create_with_x(has_inputs ? "both.h5" : "targets.h5");
        put(file, "/y", HDF5_AS_DOUBLE, 4, 1, y_data);
        struct source *source = opened(file, &(struct source_request){0});
        source_keep(source, true, (has_inputs ? X_AND_Y : X_AND_Y - 1) * sizeof(double));
        assert_int_equal(source_kept_all(source), false);
        assert_ok(source_fingerprint(source, &fingerprint));
        assert_int_equal(source_kept_all(source), has_inputs);
        assert_int_equal(truncate(source_info(source)->path, 0), 0);
        assert_ok(source_read(source, 1, 2, NULL, y));
        assert_true(y[0] == 2 && y[1] == 3);
        if (has_inputs) {
            struct source_view view = {0};
            assert_ok(source_read(source, 1, 2, &x[0][0], y));
            assert_memory_equal(x, x_data[1], sizeof x);
            assert_ok(source_view(source, 3, 1, &view));
            assert_memory_equal(view.x, x_data[3], sizeof x_data[3]);
            assert_true(*(const double *)view.y == 4);
        }
        source_forget(source);
        assert_false(source_kept_all(source));
        source_close(&source);
    }
}

static void a_truncated_file(void **state)
{
    (void)state;
    size_t length;
    struct hdf5_file *file = create_with_x("whole.h5");
    put(file, "/y", HDF5_AS_DOUBLE, 4, 3, x_data);
    assert_ok(hdf5_close(&file));
    char *bytes = fixture_read("whole.h5", &length);
    fixture_write_bytes("cut.data", bytes, length / 2);
    assert_usage(outcome_of("cut.data", (struct source_request){0}), "cut.data", "damaged",
                 "end is missing");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regression_with_names),
        cmocka_unit_test(labels_of_every_kind),
        cmocka_unit_test(named_classes),
        cmocka_unit_test(several_datasets_are_joined),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(excluded_columns),
        cmocka_unit_test(one_dimension_is_one_input),
        cmocka_unit_test(shapes_that_do_not_fit),
        cmocka_unit_test(numbers_that_are_not_finite),
        cmocka_unit_test(a_huge_file_opens_at_once),
        cmocka_unit_test(same_fingerprint_as_csv),
        cmocka_unit_test(numbers_that_are_kept),
        cmocka_unit_test(a_truncated_file),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
