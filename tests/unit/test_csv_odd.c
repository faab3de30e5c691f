/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv_odd.h"

#include "unit_test.h"

/* Quantities that are not read as numbers, and texts that only look a little like them. */

static void kinds(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kind;
    } texts[] = {
        {"2024-05-31", "dates"},
        {"2024/5/31 12:30", "dates"},
        {"2024-01-02T01:00:00.5Z", "dates"},
        {"2024-01-02 01:00:00+01:00", "dates"},
        {"31.12.2024", "dates"},
        {"12/31/24", "dates"},
        {"01-Jan-2024", "dates"},
        {"January 5, 2024", "dates"},
        {"2024Q1", "dates"},
        {"Q4 2024", "dates"},
        {"2024-12", "dates"},
        {"12:30", "times"},
        {"1:05:59 PM", "times"},
        {"00:00:01,250", "times"},
        {"0x1F", "hexadecimal numbers"},
        {"-0X1.8p-3", "hexadecimal numbers"},
        {"1_234", "numbers with underscores"},
        {"12_345_678", "numbers with underscores"},
        {"1.50(2)", "numbers with their uncertainty"},
        {"6.62607015(12)e-34", "numbers with their uncertainty"},
        {"3.1\xC2\xB1"
         "0.2",
         "numbers with their uncertainty"},
        {"3.1e5 +/- 2e3", "numbers with their uncertainty"},
        {"1+2j", "complex numbers"},
        {"(0.5-1e3j)", "complex numbers"},
        {"1.5 - 2i", "complex numbers"},
        {"<0.5", "bounds"},
        {"> 1e3", "bounds"},
        {"", NULL},
        {"12", NULL},
        {"20-30", NULL},
        {"2019-20", NULL},
        {"2024-00", NULL},
        {"1.0.0", NULL},
        {"3:1", NULL},
        {"1-2-3-4", NULL},
        {"10.0.0.1", NULL},
        {"12:30 or so", NULL},
        {"2024-05-31x", NULL},
        {"0x", NULL},
        {"0xG1", NULL},
        {"2023_001", NULL},
        {"1_1", NULL},
        {"f(2)", NULL},
        {"1/2", NULL},
        {"<none>", NULL},
        {"A+2j", NULL},
        {"1+2", NULL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *kind = csv_odd_kind(texts[i].text);
        if (!kind || !texts[i].kind)
            assert_true(kind == texts[i].kind);
        else
            assert_string_equal(kind, texts[i].kind);
    }
}

static const char *of_all(size_t n, const char *const *texts, const char **example)
{
    struct string_list list = {0};
    for (size_t i = 0; i < n; i++)
        assert_int_equal(string_list_add(&list, texts[i]), STATUS_OK);
    const char *kind = csv_odd_kind_of_all(&list, example);
    if (kind)
        *example = *example == list.item[1] ? texts[1] : NULL;
    string_list_release(&list);
    return kind;
}

static void columns(void **state)
{
    (void)state;
    const char *example;
    const char *const bounds[] = {"0.7", "<0.5", "8", "<1"};
    assert_string_equal(of_all(4, bounds, &example), "bounds");
    assert_string_equal(example, "<0.5");
    const char *const words[] = {"12:30", "12:45", "noon"};
    assert_null(of_all(3, words, &example));
    const char *const both[] = {"12:30", "0x1F"};
    assert_null(of_all(2, both, &example));
    assert_null(of_all(0, both, &example));
    assert_null(of_all(1, bounds, &example));
}

static void date_numbers(void **state)
{
    (void)state;
    assert_true(csv_is_date_number(20240229));
    assert_true(csv_is_date_number(19991231));
    assert_false(csv_is_date_number(20241301));
    assert_false(csv_is_date_number(20240230));
    assert_false(csv_is_date_number(20240100));
    assert_false(csv_is_date_number(20240229.5));
    assert_false(csv_is_date_number(18000101));
    assert_false(csv_is_date_number(-20240229));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds), cmocka_unit_test(columns),
                                       cmocka_unit_test(date_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
