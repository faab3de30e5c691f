/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/formats/formats.h"

#include "data_fixture.h"

/* Sources from CSV files; HDF5: test_source_hdf5.c. The built-in data: test_builtin.c. */

static struct source_request request_of(const char *name)
{
    struct source_request request = {.path = fixture_path(name)};
    return request;
}

static struct source *opened(const struct source_request *request)
{
    struct source *source;
    assert_ok(source_open(request, &source));
    return source;
}

static status outcome_of(const struct source_request *request)
{
    struct source *source;
    status outcome = source_open(request, &source);
    if (outcome != STATUS_OK)
        assert_null(source);
    source_close(&source);
    return outcome;
}

static void write_train(void)
{
    fixture_write("train.csv", "age,height,who,w,class\n"
                               "30,1.5,anna,1,yes\n"
                               "40,1.75,bert,0,no\n"
                               "50,2,anna,0.5,maybe\n");
}

static void defaults_of_a_csv_file(void **state)
{
    (void)state;
    fixture_write("plain.csv", "a,b,c\n1,2,3.5\n4,5,6.5\n");
    struct source_request request = request_of("plain.csv");
    struct source *source = opened(&request);
    const struct source_info *info = source_info(source);
    assert_string_equal(info->format->name, "CSV");
    assert_true(info->n == 2 && info->n_inputs == 2 && info->n_targets == 1);
    assert_false(info->has_labels);
    assert_true(info->names_known);
    assert_string_equal(info->input_names.item[0], "a");
    assert_string_equal(info->input_names.item[1], "b");
    assert_string_equal(info->target_names.item[0], "c");
    assert_null(info->group);
    assert_null(info->weight);
    double x[4], y[2];
    const double expected_x[] = {1, 2, 4, 5}, expected_y[] = {3.5, 6.5};
    assert_ok(source_read(source, 0, 2, x, y));
    assert_memory_equal(x, expected_x, sizeof x);
    assert_memory_equal(y, expected_y, sizeof y);
    assert_ok(source_read(source, 1, 1, x, NULL));
    assert_memory_equal(x, expected_x + 2, 2 * sizeof *x);
    source_close(&source);
}

static void group_weight_and_labels(void **state)
{
    (void)state;
    write_train();
    struct source_request request = request_of("train.csv");
    request.group = "who";
    request.weight = "w";
    struct source *source = opened(&request);
    const struct source_info *info = source_info(source);
    const int32_t labels[] = {2, 1, 0}, groups[] = {0, 1, 0};
    const double weights[] = {1, 0, 0.5};
    assert_int_equal(info->n_inputs, 2); /* age, height */
    assert_true(info->has_labels);
    assert_int_equal(info->n_targets, 0);
    assert_int_equal(info->classes.n, 3);
    assert_string_equal(info->classes.item[0], "maybe");
    assert_string_equal(info->classes.item[2], "yes");
    assert_memory_equal(info->label, labels, sizeof labels);
    assert_string_equal(info->group_names.item[0], "anna");
    assert_memory_equal(info->group, groups, sizeof groups);
    assert_memory_equal(info->weight, weights, sizeof weights);
    source_close(&source);
}

static void the_last_column_that_is_free_is_the_target(void **state)
{
    (void)state;
    fixture_write("order.csv", "a,b,g,w\n1,2,x,1\n3,4,y,1\n");
    struct source_request request = request_of("order.csv");
    request.group = "g";
    request.weight = "w";
    struct source *source = opened(&request);
    assert_string_equal(source_info(source)->target_names.item[0], "b");
    assert_int_equal(source_info(source)->n_inputs, 1);
    source_close(&source);
    request.inputs = "a,b";
    assert_usage(outcome_of(&request), "order.csv", "target", "--targets");
    request.target_kind = TARGETS_OPTIONAL;
    source = opened(&request);
    assert_int_equal(source_info(source)->target_names.n, 0);
    source_close(&source);
    request = request_of("order.csv");
    request.targets = "a,b,g,w";
    request.target_kind = TARGETS_OPTIONAL;
    assert_usage(outcome_of(&request), "order.csv", "inputs", "--inputs");
}

static void columns_in_the_order_asked_for(void **state)
{
    (void)state;
    fixture_write("five.csv", "a,b,c,d,e\n1,2,3,4,5\n6,7,8,9,10\n");
    struct source_request request = request_of("five.csv");
    request.inputs = "d, b";
    request.targets = "e,a";
    struct source *source = opened(&request);
    double x[4], y[4];
    const double expected_x[] = {4, 2, 9, 7}, expected_y[] = {5, 1, 10, 6};
    assert_ok(source_read(source, 0, 2, x, y));
    assert_memory_equal(x, expected_x, sizeof x);
    assert_memory_equal(y, expected_y, sizeof y);
    source_close(&source);
}

static void numeric_classes(void **state)
{
    (void)state;
    fixture_write("digits.csv", "x,y\n1,10\n2,9\n3,-1\n4,10\n");
    struct source_request request = request_of("digits.csv");
    struct source *source = opened(&request);
    assert_false(source_info(source)->has_labels); /* a CSV column of numbers is no label */
    source_close(&source);
    request.target_kind = TARGETS_LABELS;
    source = opened(&request);
    const int32_t labels[] = {2, 1, 0, 2};
    const char *sorted[] = {"-1", "9", "10"}; /* by bytes it would be -1, 10, 9 */
    for (int i = 0; i < 3; i++)
        assert_string_equal(source_info(source)->classes.item[i], sorted[i]);
    assert_memory_equal(source_info(source)->label, labels, sizeof labels);
    source_close(&source);
    fixture_write("mixed.csv", "x,y\n1,10\n2,9\n3,b\n");
    request = request_of("mixed.csv");
    source = opened(&request);
    assert_string_equal(source_info(source)->classes.item[0], "10"); /* by bytes: not all numbers */
    source_close(&source);
}

static void wrong_targets(void **state)
{
    (void)state;
    write_train();
    struct source_request request = request_of("train.csv");
    request.inputs = "age";
    request.target_kind = TARGETS_NUMBERS;
    assert_usage(outcome_of(&request), "train.csv", "line 2", "column 'class'", "'yes'",
                 "--task classification");
    request.target_kind = TARGETS_AUTO;
    request.targets = "height,class";
    assert_usage(outcome_of(&request), "train.csv", "line 2", "column 'class'", "'yes'");
    request.target_kind = TARGETS_LABELS;
    assert_usage(outcome_of(&request), "train.csv", "one column", "--targets");
    request.targets = "height";
    assert_usage(outcome_of(&request), "train.csv", "line 2", "column 'height'", "1.5", "whole");
    request.targets = "hight";
    assert_usage(outcome_of(&request), "train.csv", "'hight'", "--targets", "did you mean 'height'",
                 "age, height, who, w, class");
}

static void wrong_inputs(void **state)
{
    (void)state;
    write_train();
    struct source_request request = request_of("train.csv");
    request.inputs = "agee";
    assert_usage(outcome_of(&request), "train.csv", "'agee'", "--inputs", "did you mean 'age'",
                 "age, height, who, w, class");
    request.inputs = "temperature";
    assert_usage(outcome_of(&request), "there are: age, height, who, w, class");
    assert_null(strstr(status_text(), "did you mean"));
    request.inputs = "age,age";
    assert_usage(outcome_of(&request), "'age' twice", "--inputs");
    request.inputs = "age,,height";
    assert_usage(outcome_of(&request), "empty name", "--inputs");
    request.inputs = "";
    assert_usage(outcome_of(&request), "--inputs");
    fixture_write("word.csv", "age,y\n1,2\n3,4\nabc,6\n");
    request = request_of("word.csv");
    assert_usage(outcome_of(&request), "word.csv", "line 4", "column 'age'",
                 "'abc' is not a number", "or leave the column out with --exclude age");
    request.inputs = "age";
    assert_usage(outcome_of(&request), "word.csv", "line 4", "'abc'", "columns with --inputs");
    fixture_write("single.csv", "y\n1\n2\n");
    request = request_of("single.csv");
    assert_usage(outcome_of(&request), "single.csv", "inputs", "--inputs");
}

static void excluded_columns(void **state)
{
    (void)state;
    write_train();
    struct source_request request = request_of("train.csv");
    struct source *source = opened(&request);
    assert_int_equal(source_info(source)->n_inputs, 3); /* names are left out, and it is said */
    assert_non_null(strstr(source_info(source)->notes.item[0],
                           "not among the inputs: 'who' (2 distinct values in 3 rows)"));
    source_close(&source);
    request.exclude = "who,w";
    source = opened(&request);
    const struct source_info *info = source_info(source);
    assert_int_equal(info->n_inputs, 2);
    assert_string_equal(info->input_names.item[0], "age");
    assert_string_equal(info->input_names.item[1], "height");
    assert_string_equal(info->target_names.item[0], "class");
    assert_string_equal(source_asked(source)->exclude, "who,w");
    source_close(&source);
    request.exclude = "class,who"; /* so that the last column is another one */
    source = opened(&request);
    assert_string_equal(source_info(source)->target_names.item[0], "w");
    assert_int_equal(source_info(source)->n_inputs, 2);
    source_close(&source);
    request.exclude = "whoo";
    assert_usage(outcome_of(&request), "train.csv", "'whoo'", "--exclude", "did you mean 'who'",
                 "age, height, who, w, class");
    request.exclude_if_there = true;
    request.exclude = "whoo,who";
    source = opened(&request);
    assert_int_equal(source_info(source)->n_inputs, 3);
    source_close(&source);
    request.exclude = "age,height,who,w";
    assert_usage(outcome_of(&request), "train.csv", "no column is left", "excluded ones");
    request.inputs = "age";
    assert_usage(outcome_of(&request), "--inputs", "--exclude", "only one of them");
    request = (struct source_request){.path = "builtin:vowels", .exclude = "F2,speaker"};
    source = opened(&request);
    assert_int_equal(source_info(source)->n_inputs, 1);
    source_close(&source);
}

/* What is missing matters where it would be used, and is counted there. */
static void missing_cells(void **state)
{
    (void)state;
    fixture_write("gaps.csv", "a,note,b,y\n1,,3,x\n2,,NA,\n3,nan,5,y\n4,,NA,x\n");
    struct source_request request = request_of("gaps.csv");
    request.inputs = "a";
    assert_usage(outcome_of(&request), "gaps.csv, line 3, column 'y'", "the value is missing;");
    request.target_kind = TARGETS_NONE;
    struct source *source = opened(&request);
    assert_int_equal(source_info(source)->n, 4);
    source_close(&source);
    request = request_of("gaps.csv");
    request.targets = "a";
    request.inputs = "b";
    assert_usage(outcome_of(&request), "line 3, column 'b'", "missing ('NA')",
                 "the first of 2 such cells in 2 of the 4 rows");
    request.inputs = "note";
    assert_usage(outcome_of(&request), "line 2, column 'note'", "4 such cells in 4 of the 4 rows");
    request = request_of("gaps.csv");
    request.inputs = "b";
    request.group = "note";
    request.targets = "a";
    request.target_kind = TARGETS_NUMBERS;
    assert_usage(outcome_of(&request), "line 2, column 'note'", "6 such cells");
}

static void wrong_groups_and_weights(void **state)
{
    (void)state;
    write_train();
    struct source_request request = request_of("train.csv");
    request.inputs = "age";
    request.group = "height";
    assert_usage(outcome_of(&request), "line 2", "column 'height'", "groups", "whole");
    request.group = "whom";
    assert_usage(outcome_of(&request), "'whom'", "--group", "did you mean 'who'");
    request.group = NULL;
    request.weight = "who";
    assert_usage(outcome_of(&request), "line 2", "column 'who'", "'anna'", "--weight");
    fixture_write("negative.csv", "x,w,y\n1,1,1\n2,-0.5,2\n");
    request = request_of("negative.csv");
    request.weight = "w";
    assert_usage(outcome_of(&request), "negative.csv", "line 3", "column 'w'", "-0.5", "--weight");
    fixture_write("zero.csv", "x,w,y\n1,0,1\n2,0,2\n");
    request = request_of("zero.csv");
    request.weight = "w";
    assert_usage(outcome_of(&request), "zero.csv", "column 'w'", "all weights are 0");
}

/* predict knows the names from the checkpoint; the file may lack the targets. */
static void optional_targets(void **state)
{
    (void)state;
    write_train();
    struct source_request request = request_of("train.csv");
    request.inputs = "height,age";
    request.target_kind = TARGETS_OPTIONAL;
    request.targets = "grade";
    struct source *source = opened(&request);
    assert_false(source_info(source)->has_labels);
    assert_int_equal(source_info(source)->n_targets, 0);
    assert_int_equal(source_info(source)->target_names.n, 0);
    double x[2];
    assert_ok(source_read(source, 1, 1, x, NULL));
    assert_true(x[0] == 1.75 && x[1] == 40);
    source_close(&source);
    request.targets = "class";
    source = opened(&request);
    assert_true(source_info(source)->has_labels);
    source_close(&source);
    request.inputs = "weight";
    assert_usage(outcome_of(&request), "'weight'", "--inputs");
}

static void classes_of_a_model(void **state)
{
    (void)state;
    struct string_list classes = {0}, fewer = {0}, digits = {0};
    assert_ok(string_list_add_split(&classes, "no,perhaps,yes,maybe"));
    assert_ok(string_list_add_split(&fewer, "maybe,yes"));
    assert_ok(string_list_add_split(&digits, "0,1,2"));
    write_train();
    struct source_request request = request_of("train.csv");
    request.inputs = "age";
    struct source *source = opened(&request);
    const int32_t labels[] = {2, 0, 3};
    assert_ok(source_map_classes(source, &classes));
    assert_memory_equal(source_info(source)->label, labels, sizeof labels);
    assert_true(string_list_equal(&source_info(source)->classes, &classes));
    source_close(&source);
    source = opened(&request);
    assert_usage(source_map_classes(source, &fewer), "train.csv", "line 3", "'class'", "'no'",
                 "maybe, yes");
    source_close(&source);
    /* Classes that look like numbers. */
    fixture_write("digits.csv", "x,y\n1,2\n2,0\n");
    request = request_of("digits.csv");
    source = opened(&request);
    assert_ok(source_map_classes(source, &digits));
    assert_true(source_info(source)->has_labels);
    assert_int_equal(source_info(source)->n_targets, 0);
    assert_int_equal(source_info(source)->label[0], 2);
    assert_int_equal(source_info(source)->label[1], 0);
    source_close(&source);
    fixture_write("digits.csv", "x,y\n1,2\n2,0.5\n");
    source = opened(&request);
    assert_usage(source_map_classes(source, &digits), "line 3", "'y'", "0.5", "whole");
    source_close(&source);
    string_list_release(&classes);
    string_list_release(&fewer);
    string_list_release(&digits);
}

static uint64_t fingerprint_of(const char *text, enum target_kind kind)
{
    uint64_t fingerprint;
    fixture_write("print.csv", text);
    struct source_request request = request_of("print.csv");
    request.target_kind = kind;
    struct source *source = opened(&request);
    assert_ok(source_fingerprint(source, &fingerprint));
    source_close(&source);
    return fingerprint;
}

static void fingerprints_tell_data_apart(void **state)
{
    (void)state;
    static const char *const others[] = {"a,b,y\n1,2,3\n4,5,7\n",         /* a target */
                                         "a,b,y\n1,2,3\n4,5.0000001,6\n", /* an input */
                                         "a,c,y\n1,2,3\n4,5,6\n",         /* a name */
                                         "a,b,y\n4,5,6\n1,2,3\n",         /* the order */
                                         "a,b,y\n1,2,3\n4,5,6\n4,5,6\n", /* the number of samples */
                                         "a,y\n1,3\n4,6\n",              /* a column less */
                                         "a,b,y\n1,2,three\n4,5,six\n",  /* labels */
                                         "a,b,y\n1,2,three\n4,5,three\n"}; /* other labels */
    uint64_t seen[9] = {fingerprint_of("a,b,y\n1,2,3\n4,5,6\n", TARGETS_AUTO)};
    assert_int_equal(seen[0], fingerprint_of("a,b,\"y\"\r\n1.0,2,3\r\n4,5,6e0\r\n", TARGETS_AUTO));
    for (size_t i = 0; i < 8; i++) {
        seen[i + 1] = fingerprint_of(others[i], TARGETS_AUTO);
        for (size_t k = 0; k <= i; k++)
            assert_true(seen[k] != seen[i + 1]);
    }
    assert_true(fingerprint_of("a,b,y\n1,2,3\n4,5,6\n", TARGETS_LABELS) != seen[0]);
}

static void files_that_are_no_data(void **state)
{
    (void)state;
    struct source_request request = request_of("none.csv");
    assert_usage(outcome_of(&request), "none.csv", "no such file");
    request.path = fixture_folder;
    assert_usage(outcome_of(&request), fixture_folder, "folder");
    fixture_write("header.csv", "a,b\n");
    request.path = fixture_path("header.csv");
    assert_usage(outcome_of(&request), "header.csv", "holds no samples");
    fixture_write("nothing", "");
    request.path = fixture_path("nothing");
    assert_usage(outcome_of(&request), "nothing", "holds no samples");
    fixture_write("fake.h5", "a,b\n1,2\n");
    request.path = fixture_path("fake.h5");
    assert_usage(outcome_of(&request), "fake.h5", "not an HDF5 file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_of_a_csv_file),
        cmocka_unit_test(group_weight_and_labels),
        cmocka_unit_test(the_last_column_that_is_free_is_the_target),
        cmocka_unit_test(columns_in_the_order_asked_for),
        cmocka_unit_test(numeric_classes),
        cmocka_unit_test(wrong_targets),
        cmocka_unit_test(wrong_inputs),
        cmocka_unit_test(excluded_columns),
        cmocka_unit_test(missing_cells),
        cmocka_unit_test(wrong_groups_and_weights),
        cmocka_unit_test(optional_targets),
        cmocka_unit_test(classes_of_a_model),
        cmocka_unit_test(fingerprints_tell_data_apart),
        cmocka_unit_test(files_that_are_no_data),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
