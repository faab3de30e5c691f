/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/formats/builtin.h"
#include "data/formats/formats.h"

#include "data_fixture.h"

static size_t column_of(const struct builtin_table *table, const char *name)
{
    long column = string_list_find(&table->names, name);
    assert_true(column >= 0);
    return (size_t)column;
}

static double value(const struct builtin_table *table, size_t row, const char *name)
{
    return table->number[row * table->names.n + column_of(table, name)];
}

static void numbers_of_tokens_and_speakers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t n, speakers;
        double first, last;
        size_t classes;
    } expected[] = {
        {"builtin:vowels", 400, 50, 1, 51, 4},          {"builtin:vowels/train", 400, 50, 1, 51, 4},
        {"builtin:vowels/test", 200, 25, 52, 76, 4},    {"builtin:vowels10", 1000, 50, 1, 51, 10},
        {"builtin:vowels10/test", 500, 25, 52, 76, 10},
    };
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        struct builtin_table table;
        int tokens[77] = {0};
        size_t speakers = 0;
        assert_ok(builtin_load(expected[k].name, &table));
        assert_int_equal(table.n, expected[k].n);
        assert_int_equal(table.vowels.n, expected[k].classes);
        for (size_t i = 0; i < table.n; i++) {
            double speaker = value(&table, i, "speaker");
            assert_true(speaker >= expected[k].first && speaker <= expected[k].last);
            tokens[(int)speaker]++;
            assert_true(value(&table, i, "man") + value(&table, i, "woman") +
                            value(&table, i, "child") ==
                        1);
        }
        for (int s = 1; s <= 76; s++) {
            speakers += tokens[s] > 0;
            assert_true(tokens[s] == 0 || tokens[s] == 2 * (int)expected[k].classes);
        }
        assert_int_equal(speakers, expected[k].speakers);
        assert_int_equal(tokens[33], 0);
        builtin_release(&table);
    }
}

/* Figures read from the published table by eye. */
static void rows_are_those_of_the_table(void **state)
{
    (void)state;
    struct builtin_table table;
    assert_ok(builtin_load("builtin:vowels10", &table));
    /* m,m,1,iy,i,160,240,2280,2850 and the next row */
    assert_true(value(&table, 0, "F0") == 160 && value(&table, 0, "F1") == 240);
    assert_true(value(&table, 0, "F2") == 2280 && value(&table, 0, "F3") == 2850);
    assert_true(value(&table, 0, "man") == 1 && value(&table, 0, "speaker") == 1);
    assert_string_equal(table.vowels.item[table.vowel[0]], "iy");
    assert_true(value(&table, 1, "F1") == 280 && value(&table, 1, "F2") == 2400);
    assert_int_equal(string_list_find(&table.names, "ia"), -1);
    builtin_release(&table);
}

static void four_vowels_have_their_codings(void **state)
{
    (void)state;
    struct builtin_table table;
    assert_ok(builtin_load("builtin:vowels", &table));
    const char *paper[] = {"iy", "ih", "aa", "ah"};
    const double ia[] = {1, 0, 1, 0}, iA[] = {1, 0, 0, 1};
    int count[4] = {0};
    for (size_t c = 0; c < 4; c++)
        assert_string_equal(table.vowels.item[c], paper[c]);
    for (size_t i = 0; i < table.n; i++) {
        int32_t c = table.vowel[i];
        count[c]++;
        assert_true(value(&table, i, "ia") == ia[c]);
        assert_true(value(&table, i, "iA") == iA[c]);
    }
    for (int c = 0; c < 4; c++)
        assert_int_equal(count[c], 100);
    builtin_release(&table);
}

static void names(void **state)
{
    (void)state;
    struct builtin_table table;
    assert_true(builtin_is_name("builtin:anything"));
    assert_false(builtin_is_name("data/builtin:vowels.csv"));
    assert_string_equal(builtin_validation("builtin:vowels"), "builtin:vowels/test");
    assert_string_equal(builtin_validation("builtin:vowels10"), "builtin:vowels10/test");
    assert_null(builtin_validation("builtin:vowels/test"));
    assert_null(builtin_validation("data.csv"));
    assert_usage(builtin_load("builtin:vowel", &table), "'builtin:vowel'", "did you mean",
                 "builtin:vowels10/test");
    assert_usage(builtin_load("builtin:", &table), "builtin:vowels/train");
}

static void as_a_source(void **state)
{
    (void)state;
    struct source *source;
    struct source_request request = {.path = "builtin:vowels"};
    double x[2][2];
    assert_ok(source_open(&request, &source));
    const struct source_info *info = source_info(source);
    assert_string_equal(info->format->name, "built-in");
    assert_int_equal(info->n, 400);
    assert_int_equal(info->n_inputs, 2);
    assert_string_equal(info->input_names.item[1], "F2");
    assert_true(info->has_labels && info->names_known);
    assert_int_equal(info->classes.n, 4);
    assert_string_equal(info->target_names.item[0], "vowel");
    assert_int_equal(info->group_names.n, 50);
    assert_string_equal(info->group_names.item[49], "51");
    assert_string_equal(info->group_names.item[1], "2"); /* as numbers, not "10" */
    assert_ok(source_read(source, 0, 2, &x[0][0], NULL));
    assert_true(x[0][0] == 240 && x[0][1] == 2280 && x[1][0] == 280 && x[1][1] == 2400);
    source_close(&source);
    assert_null(source);
}

static void columns_can_be_chosen(void **state)
{
    (void)state;
    struct source *source;
    struct source_request request = {
        .path = "builtin:vowels", .inputs = "child,F1", .targets = "ia,iA"};
    double x[2], y[2];
    assert_ok(source_open(&request, &source));
    assert_int_equal(source_info(source)->n_targets, 2);
    assert_false(source_info(source)->has_labels);
    assert_ok(source_read(source, 0, 1, x, y)); /* a man's iy */
    assert_true(x[0] == 0 && x[1] == 240 && y[0] == 1 && y[1] == 1);
    source_close(&source);

    request.targets = "ia";
    request.target_kind = TARGETS_LABELS;
    assert_ok(source_open(&request, &source));
    assert_int_equal(source_info(source)->classes.n, 2);
    assert_string_equal(source_info(source)->classes.item[0], "0");
    assert_string_equal(source_info(source)->classes.item[1], "1");
    assert_int_equal(source_info(source)->label[0], 1);
    source_close(&source);

    request.target_kind = TARGETS_AUTO;
    request.inputs = "F1,F9";
    assert_usage(source_open(&request, &source), "builtin:vowels", "'F9'", "--inputs",
                 "did you mean");
    assert_null(source);
    request.inputs = "F1,vowel";
    request.targets = "ia";
    assert_ok(source_open(&request, &source));
    assert_int_equal(source_info(source)->n_inputs, 1 + 4);
    assert_string_equal(source_info(source)->input_names.item[1], "vowel=aa");
    source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_tokens_and_speakers),
        cmocka_unit_test(rows_are_those_of_the_table),
        cmocka_unit_test(four_vowels_have_their_codings),
        cmocka_unit_test(names),
        cmocka_unit_test(as_a_source),
        cmocka_unit_test(columns_can_be_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
