/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/gap_inputs.h"
#include "unit_test.h"

#include "base/memory.h"

static void names_are_told_apart(void **state)
{
    (void)state;
    char *name = NULL;
    assert_int_equal(gap_input_name("age", &name), STATUS_OK);
    assert_string_equal(name, "missing(age)");
    assert_true(gap_input_is(name, "age"));
    assert_true(gap_input_is(name, NULL));
    assert_false(gap_input_is(name, "ag"));
    assert_false(gap_input_is("missing()", NULL));
    assert_false(gap_input_is("missing(age", NULL));
    memory_free(&name);
}

/* A column before its texts; what tells of no column, or does not stand at the end, is a column. */
static void inputs_are_found(void **state)
{
    (void)state;
    struct string_list names = {0}, own = {0}, columns = {0};
    struct gap_inputs gaps;
    size_t told_by[5];
    assert_int_equal(
        string_list_add_split(&names, "missing(x),hue=blue,hue=red,a=b,a,missing(a),missing(hue)"),
        STATUS_OK);
    assert_int_equal(gap_inputs_find(&gaps, &names), STATUS_OK);
    assert_int_equal(gaps.n_own, 5);
    assert_int_equal(gaps.n, 2);
    assert_int_equal(gaps.of[0], 4);
    assert_int_equal(gaps.of[1], 1);
    gap_inputs_spread(&gaps, &names, told_by);
    const size_t expected[5] = {2, 1, 1, 2, 0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(told_by[i], expected[i]);
    assert_int_equal(gap_inputs_split(&names, &own, &columns), STATUS_OK);
    assert_int_equal(own.n, 5);
    assert_string_equal(columns.item[0], "a");
    assert_string_equal(columns.item[1], "hue");
    gap_inputs_release(&gaps);
    string_list_release(&names);
    string_list_release(&own);
    string_list_release(&columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_told_apart),
                                       cmocka_unit_test(inputs_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
