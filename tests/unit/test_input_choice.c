/* SPDX-License-Identifier: BSD-3-Clause */
/* Which inputs a network sees: names, counts, and what is 0 of its weights. */
#include "unit_test.h"

#include "model/model_config.h"
#include "model/network/input_choice.h"

#include <stdio.h>
#include <string.h>

static struct string_list names;

static int make_names(void **state)
{
    (void)state;
    static const char *const all[] = {"x",        "age",      "cyl=4",    "cyl=6", "cyl=8",   "x1",
                                      "speaker0", "speaker1", "speakers", "a, b",  "cylinder"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(string_list_add(&names, all[i]), STATUS_OK);
    return 0;
}

static int release_names(void **state)
{
    (void)state;
    string_list_release(&names);
    return 0;
}

static void check(const char *text, const char *seen)
{
    struct input_choice choice;
    char found[16] = "";
    assert_int_equal(input_choice_read("gate-inputs", text, &names, &choice), STATUS_OK);
    for (size_t i = 0; i < names.n; i++)
        found[i] = input_choice_has(&choice, i) ? '1' : '0';
    assert_string_equal(found, seen);
    size_t count = 0;
    for (size_t i = 0; i < names.n; i++)
        count += seen[i] == '1';
    assert_int_equal(input_choice_count(&choice, names.n), count);
    assert_true(choice.is_made == (count < names.n));
}

static void test_names(void **state)
{
    (void)state;
    check(NULL, "11111111111");
    check("", "11111111111");
    check("none", "00000000000");
    check("x", "10000000000"); /* the input of that name, and no column of a data set x */
    check("cyl", "00111000000");
    check("speaker", "00000011000");
    check("cyl=8,age", "01001000000");
    check("\"a, b\" , x1,x", "10000100010");
    check("x,age,cyl,x1,speaker,speakers,\"a, b\",cylinder", "11111111111");
    struct input_choice choice;
    assert_int_equal(input_choice_read("gate-inputs", "x,agee", &names, &choice), STATUS_USAGE);
    assert_non_null(strstr(status_text(), "there is no input 'agee' (did you mean 'age'?)"));
    assert_int_equal(input_choice_read("gate-inputs", "none,x", &names, &choice), STATUS_USAGE);
}

static void test_many_runs(void **state)
{
    (void)state;
    enum { MOST = 2 * INPUT_CHOICE_RUNS + 4 };
    struct string_list many = {0};
    struct input_choice choice;
    char text[8 * MOST] = "";
    for (int i = 0; i < MOST; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(string_list_add(&many, name), STATUS_OK);
    }
    for (int i = 0; i < 2 * INPUT_CHOICE_RUNS; i += 2)
        snprintf(text + strlen(text), sizeof text - strlen(text), "n%d,", i);
    assert_int_equal(input_choice_read("gate-inputs", text, &many, &choice), STATUS_OK);
    assert_int_equal(input_choice_count(&choice, MOST), INPUT_CHOICE_RUNS);
    assert_true(input_choice_has(&choice, 2 * INPUT_CHOICE_RUNS - 2));
    assert_false(input_choice_has(&choice, 2 * INPUT_CHOICE_RUNS - 1));
    snprintf(text + strlen(text), sizeof text - strlen(text), "n%d", MOST - 1);
    assert_int_equal(input_choice_read("gate-inputs", text, &many, &choice), STATUS_USAGE);
    string_list_release(&many);
}

static void test_clear(void **state)
{
    (void)state;
    struct input_choice choice;
    real rows[2 * 11];
    for (size_t i = 0; i < 22; i++)
        rows[i] = 1;
    input_choice_read("gate-inputs", "age,cyl=4,x1", &names, &choice);
    input_choice_clear(&choice, 11, 2, rows);
    for (size_t i = 0; i < 22; i++)
        assert_true(rows[i] == (i % 11 == 1 || i % 11 == 2 || i % 11 == 5));
}

/* Weights that are 0 are no parameters: as if the other inputs were all there is. */
static void test_free_parameters(void **state)
{
    (void)state;
    static const struct {
        enum gate_choice gate;
        struct gate_levels levels;
        size_t experts, gate_hidden, expected;
    } rows[] = {
        /* (E - 1)(1 + 1) of the gate, E (2 (2 + 1) + 1) of experts with variances. */
        {GATE_SOFTMAX, {0}, 3, 0, 2 * 2 + 3 * 7},
        /* Five units of one input, then (E - 1)(5 + 1). */
        {GATE_SOFTMAX, {0}, 3, 5, 5 * 2 + 2 * 6 + 3 * 7},
        /* Two nodes of three branches below one of two: 1 + 2 2 logits of one input. */
        {GATE_TREE, {.n = 2, .branches = {2, 3}}, 6, 0, 5 * 2 + 6 * 7},
        /* A share, a mean and a variance each; the shares sum to 1. */
        {GATE_GAUSSIAN, {0}, 3, 0, 3 * 3 - 1 + 3 * 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct model_config config = {.n_inputs = names.n,
                                      .n_outputs = 2,
                                      .n_experts = rows[i].experts,
                                      .gate = rows[i].gate,
                                      .gate_levels = rows[i].levels,
                                      .gate_hidden = {rows[i].gate_hidden},
                                      .n_gate_hidden = rows[i].gate_hidden > 0,
                                      .variance_is_learned = true};
        input_choice_read("gate-inputs", "x", &names, &config.gate_inputs);
        input_choice_read("expert-inputs", "age,x1", &names, &config.expert_inputs);
        assert_int_equal(model_n_free_parameters(&config), rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_many_runs),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_free_parameters),
    };
    return cmocka_run_group_tests(tests, make_names, release_names);
}
