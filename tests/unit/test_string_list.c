/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/string_list.h"

#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list_of(struct string_list *list, const char *text)
{
    memset(list, 0, sizeof *list);
    assert_int_equal(string_list_add_split(list, text), STATUS_OK);
}

static void split_trims_and_keeps_order(void **state)
{
    (void)state;
    struct string_list list;
    list_of(&list, "F1, F2 ,\tthe vowel,x,y,z");
    const char *expected[] = {"F1", "F2", "the vowel", "x", "y", "z"};
    assert_int_equal(list.n, 6);
    for (size_t i = 0; i < list.n; i++)
        assert_string_equal(list.item[i], expected[i]);
    assert_int_equal(string_list_add_split(&list, "last"), STATUS_OK);
    assert_int_equal(list.n, 7);
    assert_string_equal(list.item[6], "last");
    string_list_release(&list);
    assert_int_equal(list.n, 0);
    assert_null(list.item);
}

static void split_of_odd_texts(void **state)
{
    (void)state;
    struct string_list list;
    list_of(&list, "");
    assert_int_equal(list.n, 0);
    string_list_release(&list);
    list_of(&list, "a,,b");
    assert_int_equal(list.n, 3);
    assert_string_equal(list.item[1], "");
    string_list_release(&list);
}

static void a_long_list_holds_all(void **state)
{
    (void)state;
    struct string_list list = {0}, copy = {0};
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "column%d", i);
        assert_int_equal(string_list_add(&list, name), STATUS_OK);
    }
    assert_int_equal(string_list_copy(&copy, &list), STATUS_OK);
    assert_true(string_list_equal(&list, &copy));
    assert_true(copy.item[7] != list.item[7]);
    assert_int_equal(string_list_find(&copy, "column0"), 0);
    assert_int_equal(string_list_find(&copy, "column999"), 999);
    assert_int_equal(string_list_find(&copy, "column1000"), -1);
    string_list_release(&list);
    assert_false(string_list_equal(&list, &copy));
    string_list_release(&copy);
}

static void equal_compares_order_and_length(void **state)
{
    (void)state;
    struct string_list ab, ba, abc;
    list_of(&ab, "a,b");
    list_of(&ba, "b,a");
    list_of(&abc, "a,b,c");
    assert_true(string_list_equal(&ab, &ab));
    assert_false(string_list_equal(&ab, &ba));
    assert_false(string_list_equal(&ab, &abc));
    string_list_release(&ab);
    string_list_release(&ba);
    string_list_release(&abc);
}

static void join_fits_or_ends_in_dots(void **state)
{
    (void)state;
    struct string_list list, empty = {0};
    list_of(&list, "alpha,beta,gamma");
    char text[100];
    string_list_join(&list, text, sizeof text);
    assert_string_equal(text, "alpha, beta, gamma");
    string_list_join(&empty, text, sizeof text);
    assert_string_equal(text, "");
    for (size_t size = 4; size < sizeof text; size++) {
        memset(text, '#', sizeof text);
        string_list_join(&list, text, size);
        size_t length = strlen(text);
        assert_true(length < size);
        if (strcmp(text, "alpha, beta, gamma") != 0)
            assert_string_equal(text + length - 3, "...");
    }
    string_list_release(&list);
}

static void nearest_finds_the_likely_one_only(void **state)
{
    (void)state;
    struct string_list list;
    list_of(&list, "learning-rate,batch-size,epochs,seed");
    assert_string_equal(string_list_nearest(&list, "learning-rat"), "learning-rate");
    assert_string_equal(string_list_nearest(&list, "lerning_rate"), "learning-rate");
    assert_string_equal(string_list_nearest(&list, "epoch"), "epochs");
    assert_string_equal(string_list_nearest(&list, "sede"), "seed");
    assert_string_equal(string_list_nearest(&list, "batch"), "batch-size");
    assert_string_equal(string_list_nearest(&list, "ep"), "epochs");
    assert_string_equal(string_list_nearest(&list, "seed-value"), "seed");
    assert_null(string_list_nearest(&list, "e"));
    assert_null(string_list_nearest(&list, "momentum"));
    assert_null(string_list_nearest(&list, "colour"));
    string_list_release(&list);
    assert_null(string_list_nearest(&list, "seed"));
}

static void nearest_stands_long_names(void **state)
{
    (void)state;
    char name[201];
    memset(name, 'a', sizeof name);
    name[200] = '\0';
    struct string_list list = {0};
    assert_int_equal(string_list_add(&list, name), STATUS_OK);
    assert_int_equal(string_list_add(&list, "short"), STATUS_OK);
    assert_string_equal(string_list_nearest(&list, "shor"), "short");
    assert_null(string_list_nearest(&list, "other"));
    name[150] = '\0'; /* 145 letters wrong */
    assert_null(string_list_nearest(&list, name));
    string_list_release(&list);
}

/* Names with commas, quotes and blanks at their ends come back as they were. */
static void joined_splits_into_the_same(void **state)
{
    (void)state;
    const char *names[] = {"a", "length, in mm", "the \"best\"", " b ", "c d", ""};
    struct string_list list = {0}, back = {0};
    char *text;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(string_list_add(&list, names[i]), STATUS_OK);
    assert_int_equal(string_list_joined(&list, &text), STATUS_OK);
    assert_string_equal(text, "a,\"length, in mm\",\"the \"\"best\"\"\",\" b \",c d,\"\"");
    assert_int_equal(string_list_add_split(&back, text), STATUS_OK);
    assert_true(string_list_equal(&list, &back));
    free(text);
    string_list_release(&list);
    string_list_release(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_trims_and_keeps_order),
        cmocka_unit_test(split_of_odd_texts),
        cmocka_unit_test(joined_splits_into_the_same),
        cmocka_unit_test(a_long_list_holds_all),
        cmocka_unit_test(equal_compares_order_and_length),
        cmocka_unit_test(join_fits_or_ends_in_dots),
        cmocka_unit_test(nearest_finds_the_likely_one_only),
        cmocka_unit_test(nearest_stands_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
