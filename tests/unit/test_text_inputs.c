/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/formats/formats.h"

#include "data_fixture.h"

/* Columns of text as inputs of 0 and 1. */

static const char flowers[] = "hue,size,place,y\n"
                              "red,1,\"a, b\",1\n"
                              "blue,2,c=d,2\n"
                              "red,3,c=d,3\n"
                              "green,4,\"a, b\",4\n"
                              "blue,5,c=d,5\n"
                              "green,6,c=d,6\n";

static struct source *opened(const struct source_request *request)
{
    struct source *source;
    assert_ok(source_open(request, &source));
    return source;
}

static void check_names(const struct source *source, const char *const *name, size_t n)
{
    const struct source_info *info = source_info(source);
    assert_int_equal(info->n_inputs, n);
    assert_int_equal(info->input_names.n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(info->input_names.item[i], name[i]);
}

/* In the place of the column, sorted; each sample has one 1 among those of a column. */
static void one_of_c(void **state)
{
    (void)state;
    fixture_write("flowers.csv", flowers);
    struct source_request request = {.path = fixture_path("flowers.csv")};
    struct source *source = opened(&request);
    const char *const names[] = {"hue=blue", "hue=green",  "hue=red",
                                 "size",     "place=a, b", "place=c=d"};
    const double expected[6][6] = {{0, 0, 1, 1, 1, 0}, {1, 0, 0, 2, 0, 1}, {0, 0, 1, 3, 0, 1},
                                   {0, 1, 0, 4, 1, 0}, {1, 0, 0, 5, 0, 1}, {0, 1, 0, 6, 0, 1}};
    double x[6][6];
    check_names(source, names, 6);
    assert_ok(source_read(source, 0, 6, x[0], NULL));
    assert_memory_equal(x, expected, sizeof x);
    assert_ok(source_read(source, 4, 2, x[0], NULL));
    assert_memory_equal(x, expected[4], 2 * sizeof x[0]);
    source_close(&source);
}

/* As a model asks for them, in its order; "green" is in no cell of this file. */
static void by_the_names_of_a_model(void **state)
{
    (void)state;
    fixture_write("new.csv", "size,hue\n7,red\n8,blue\n");
    struct string_list model = {0};
    assert_ok(string_list_add_split(&model, "hue=blue,hue=green,hue=red,size"));
    struct source_request request = {.path = fixture_path("new.csv"),
                                     .inputs = "hue=blue,hue=green,hue=red,size",
                                     .model_inputs = &model,
                                     .target_kind = TARGETS_NONE};
    const double expected[2][4] = {{0, 0, 1, 7}, {1, 0, 0, 8}};
    for (int by_column = 0; by_column < 2; by_column++) {
        if (by_column)
            request.inputs = "hue,size";
        struct source *source = opened(&request);
        double x[2][4];
        check_names(source, (const char *const *)model.item, model.n);
        assert_ok(source_read(source, 0, 2, x[0], NULL));
        assert_memory_equal(x, expected, sizeof x);
        source_close(&source);
    }
    string_list_release(&model);
}

static void texts_that_a_model_does_not_know(void **state)
{
    (void)state;
    fixture_write("flowers.csv", flowers);
    struct source *source;
    struct string_list model = {0};
    assert_ok(string_list_add_split(&model, "hue=blue,hue=red"));
    struct source_request request = {.path = fixture_path("flowers.csv"),
                                     .inputs = "hue",
                                     .model_inputs = &model,
                                     .target_kind = TARGETS_NONE};
    /* For a model all of its inputs are 0 then; named without one, it is a mistake. */
    for (int i = 0; i < 2; i++) {
        source = opened(&request);
        assert_int_equal(source_info(source)->warnings.n, 1);
        assert_non_null(strstr(source_info(source)->warnings.item[0],
                               "flowers.csv, line 5, column 'hue': 'green' is no text"));
        source_close(&source);
        request.inputs = "hue=blue,hue=red";
    }
    request.model_inputs = NULL;
    assert_usage(source_open(&request, &source), "line 5", "'green' is not a value", "blue, red");
    request.model_inputs = &model;
    request.inputs = "place";
    assert_usage(source_open(&request, &source), "column 'place'", "--inputs");
    request.inputs = "size=6";
    assert_usage(source_open(&request, &source), "no column 'size=6'", "did you mean 'size'?");
    string_list_release(&model);
}

/* A word among numbers is a mistake, a text of its own in each sample a name; a gap is a gap. */
static void what_is_no_input(void **state)
{
    (void)state;
    struct source *source;
    fixture_write("odd.csv", "a,id,b,y\n1,p1,u,1\nx,p2,u,2\n3,p3,,3\n4,p4,v,4\n");
    struct source_request request = {.path = fixture_path("odd.csv")};
    assert_usage(source_open(&request, &source), "line 3, column 'a'", "'x' is not a number",
                 "--exclude a");
    request.exclude = "a";
    assert_usage(source_open(&request, &source), "line 4, column 'b'", "missing");
    request = (struct source_request){.path = fixture_path("odd.csv"), .inputs = "id"};
    source = opened(&request);
    assert_int_equal(source_info(source)->n_inputs, 4);
    source_close(&source);
    request.inputs = "id=p3,id";
    assert_usage(source_open(&request, &source), "inputs 0 and 3", "same name 'id=p3'");
    fixture_write("both.csv", "hue,hue=red,y\nred,1,1\nblue,0,2\nred,1,3\nblue,0,4\n");
    request = (struct source_request){.path = fixture_path("both.csv")};
    assert_usage(source_open(&request, &source), "same name 'hue=red'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_c),
        cmocka_unit_test(by_the_names_of_a_model),
        cmocka_unit_test(texts_that_a_model_does_not_know),
        cmocka_unit_test(what_is_no_input),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
