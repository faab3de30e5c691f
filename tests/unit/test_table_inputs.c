/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/formats/formats.h"

#include "data_fixture.h"

/* Which columns of a text table become inputs, and what their cells are. */

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

/* What cannot be an input is named at once, with what to type. */
static void unclear_inputs(void **state)
{
    (void)state;
    char text[2000] = "a,\"x,z\",the city,y\n";
    for (int i = 0; i < 20; i++)
        sprintf(text + strlen(text), "%d,%s,%s,%d\n", i * i, i == 3 ? "two" : "4", /* a slip */
                i % 2 ? "8%" : "8", i);
    fixture_write("words.csv", text);
    struct source_request request = request_of("words.csv");
    assert_usage(outcome_of(&request), "words.csv, line 5, column 'x,z': 'two' is not a number",
                 "1 more input column holds no numbers", "--exclude '\"x,z\",the city'");
    request.exclude = "\"x,z\"";
    assert_usage(outcome_of(&request), "words.csv, column 'the city'",
                 "'8' (line 2) and '8%' (line 3)", "--exclude '\"x,z\",the city'");
    request.exclude = "\"x,z\",the city";
    struct source *source = opened(&request);
    assert_int_equal(source_info(source)->n_inputs, 1);
    source_close(&source);
}

/* Columns that are hardly meant as inputs, unless somebody names them. */
static void columns_left_out(void **state)
{
    (void)state;
    char text[4000] = "id,name,none,drv,key,t,y\n";
    for (int i = 0; i < 12; i++)
        sprintf(text + strlen(text), "%d,n%d,,%s,9007199254740%03d,%d,%g\n", i + 1, i,
                i % 3 == 0   ? "f"
                : i % 3 == 1 ? "4"
                             : "r",
                993 + i, i * i, 0.5 * i);
    fixture_write("all.csv", text);
    struct source_request request = request_of("all.csv");
    struct source *source = opened(&request);
    const struct source_info *info = source_info(source);
    const char *inputs[] = {"drv=4", "drv=f", "drv=r", "t"};
    assert_int_equal(info->n_inputs, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(info->input_names.item[i], inputs[i]);
    assert_int_equal(info->notes.n, 1);
    static const char *const said[] = {
        "'id' (counts the rows)", "'name' (12 distinct values in 12 rows)", "'none' (no value)",
        "'key' (numbers of more than 15 digits)"};
    for (int i = 0; i < 4; i++)
        assert_non_null(strstr(info->notes.item[0], said[i]));
    source_close(&source);
    request.inputs = "id,t";
    source = opened(&request);
    assert_int_equal(source_info(source)->n_inputs, 2);
    assert_int_equal(source_info(source)->notes.n, 0);
    source_close(&source);
    request.inputs = "id,y";
    request.targets = "y";
    assert_usage(outcome_of(&request), "all.csv", "column 'y'", "input and as target");
    /* Time alone counts, too. */
    strcpy(text, "time,y\n");
    for (int i = 0; i < 12; i++)
        sprintf(text + strlen(text), "%d,%d\n", i, i * i);
    fixture_write("time.csv", text);
    request = request_of("time.csv");
    source = opened(&request);
    assert_string_equal(source_info(source)->input_names.item[0], "time");
    source_close(&source);
}

/* Numbers of samples need not begin with 1: their name says what they are. The last is no target.
 */
static void counters_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int first, step;
        bool is_input;
    } columns[] = {{"Id", 1001, 1, false},      {"sampleID", 20, -1, false}, {"row", 10, 10, false},
                   {"patient_id", 0, 2, false}, {"year", 1990, 1, true},     {"paid", 5, 5, true},
                   {"temperature", 3, 1, true}};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        char text[1000], last[1000];
        sprintf(text, "%s,t,y\n", columns[c].name);
        sprintf(last, "t,y,%s\n", columns[c].name);
        for (int i = 0; i < 12; i++) {
            int number = columns[c].first + i * columns[c].step;
            sprintf(text + strlen(text), "%d,%d,%d\n", number, i * i % 7, i * 5 % 11);
            sprintf(last + strlen(last), "%d,%d,%d\n", i * i % 7, i * 5 % 11, number);
        }
        fixture_write("first.csv", text);
        fixture_write("last.csv", last);
        struct source_request request = request_of("first.csv");
        struct source *source = opened(&request);
        assert_int_equal(source_info(source)->n_inputs, columns[c].is_input ? 2 : 1);
        source_close(&source);
        request = request_of("last.csv");
        if (columns[c].is_input)
            assert_ok(outcome_of(&request));
        else
            assert_usage(outcome_of(&request), "last.csv", columns[c].name, "numbers the rows",
                         "--targets");
        request.targets = columns[c].name;
        assert_ok(outcome_of(&request));
    }
}

/* Codes keep their text as labels, groups and categories; 2.0 is the class 2. */
static void codes_are_not_numbers(void **state)
{
    (void)state;
    fixture_write("codes.csv", "a,id,y\n1,123456789012345678,01001\n2,123456789012345679,1001\n"
                               "2,123456789012345678,007\n");
    struct source_request request = request_of("codes.csv");
    request.inputs = "a";
    request.group = "id";
    request.target_kind = TARGETS_LABELS;
    struct source *source = opened(&request);
    const struct source_info *info = source_info(source);
    const int32_t labels[] = {1, 2, 0}, groups[] = {0, 1, 0};
    const char *classes[] = {"007", "01001", "1001"};
    assert_int_equal(info->classes.n, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(info->classes.item[i], classes[i]);
    assert_memory_equal(info->label, labels, sizeof labels);
    assert_memory_equal(info->group, groups, sizeof groups);
    assert_string_equal(info->group_names.item[0], "123456789012345678");
    source_close(&source);
    fixture_write("codes.csv", "a,b,y\n1,10,2.0\n2,20,1\n1,10,2\n");
    request = (struct source_request){.path = fixture_path("codes.csv"), .categories = "b,y"};
    source = opened(&request);
    info = source_info(source);
    assert_true(info->has_labels);
    assert_int_equal(info->classes.n, 2);
    assert_string_equal(info->classes.item[1], "2");
    assert_string_equal(info->input_names.item[1], "b=10");
    assert_string_equal(info->input_names.item[2], "b=20");
    source_close(&source);
    fixture_write("zip.csv", "zip,hour,y\n01001,1,1\n90210,0,2\n");
    request = request_of("zip.csv");
    source = opened(&request);
    assert_int_equal(source_info(source)->notes.n, 1);
    assert_non_null(strstr(source_info(source)->notes.item[0], "begin with 0 (007)"));
    assert_non_null(strstr(source_info(source)->notes.item[0], ": zip;"));
    source_close(&source);
    request = (struct source_request){.path = fixture_path("codes.csv"), .categories = "bb"};
    assert_usage(outcome_of(&request), "'bb'", "--categories", "did you mean 'b'");
    /* A model knows them by its names, also where the file looks like numbers. */
    struct string_list model = {0};
    assert_ok(string_list_add_split(&model, "a,b=10,b=30"));
    request = (struct source_request){.path = fixture_path("codes.csv"),
                                      .inputs = "a,b=10,b=30",
                                      .model_inputs = &model,
                                      .target_kind = TARGETS_NONE};
    source = opened(&request);
    double x[9];
    const double expected[] = {1, 1, 0, 2, 0, 0, 1, 1, 0};
    assert_ok(source_read(source, 0, 3, x, NULL));
    assert_memory_equal(x, expected, sizeof expected);
    assert_non_null(strstr(source_info(source)->warnings.item[0],
                           "line 3, column 'b': '20' is no text that the model was trained with"));
    assert_non_null(strstr(source_info(source)->warnings.item[0], "in 1 of 3 rows"));
    source_close(&source);
    string_list_release(&model);
}

/* Rows that lack a value, where that is allowed. */
static void incomplete_rows(void **state)
{
    (void)state;
    fixture_write("gaps.csv", "a,b,y\n1,u,3\n,v,4\n3,,5\n4,u,\n5,v,7\n");
    struct source_request request = request_of("gaps.csv");
    request.inputs = "a,b";
    request.targets = "y";
    assert_usage(outcome_of(&request), "line 3, column 'a'", "3 such cells in 3 of the 5 rows");
    request.gaps = SOURCE_GAPS_KEPT;
    struct source *source = opened(&request);
    const bool all[] = {false, true, true, true, false};
    const struct source_info *info = source_info(source);
    assert_int_equal(info->n_incomplete, 3);
    assert_memory_equal(info->incomplete, all, sizeof all);
    assert_int_equal(info->warnings.n, 1);
    double x[15], y[5];
    assert_ok(source_read(source, 0, 5, x, y));
    assert_true(x[0] == 1 && x[1] == 1 && x[2] == 0 && y[4] == 7 && y[3] == 3);
    source_close(&source);
    request.gaps = SOURCE_GAPS_IN_INPUTS;
    assert_usage(outcome_of(&request), "line 5, column 'y'", "missing");
    request.target_kind = TARGETS_NONE;
    source = opened(&request);
    assert_int_equal(source_info(source)->n_incomplete, 2);
    source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unclear_inputs),   cmocka_unit_test(columns_left_out),
        cmocka_unit_test(counters_by_name), cmocka_unit_test(codes_are_not_numbers),
        cmocka_unit_test(incomplete_rows),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
