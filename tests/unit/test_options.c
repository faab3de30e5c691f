/* SPDX-License-Identifier: BSD-3-Clause */
/* Every option of the table, in every place where its traits decide what becomes of it. */
#include "app/options/option_entry.h"
#include "app/sweep/sweep_internal.h"
#include "app/train/train_internal.h"
#include "base/memory.h"
#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two values of each kind, the first no default. */
static const char *const examples[][2] = {
    [KIND_FLAG] = {"true", "false"},
    [KIND_INTEGER] = {"3", "5"},
    [KIND_SEED] = {"3", "5"},
    [KIND_NUMBER] = {"0.25", "0.75"},
    [KIND_DURATION] = {"100", "200"},
    [KIND_TEXT] = {"3,4", "5,6"},
    [KIND_WIDTHS] = {"3", "5,5"},
    [KIND_SCHEDULE] = {"cosine", "warmup:3"},
    [KIND_ANNEAL] = {"0.5:3", "0.25:3"},
    [KIND_GATE] = {"tree:2x2", "gaussian"},
    [KIND_VARIANCE] = {"fixed:2", "learned:2"},
    [KIND_FREEDOM] = {"fixed:2", "learned:3"},
    [KIND_SCALE] = {"2", "3"},
    [KIND_INTERVAL] = {"3e", "4s"},
    [KIND_GRID] = {"experts=2;3;", "experts=2;"},
};

/* The first is no default; the second is another one, and not "auto", which means any. */
static const char *example(const struct option_entry *entry, int which)
{
    if (entry->kind != KIND_CHOICE)
        return examples[entry->kind][which];
    const struct option_word *word = entry->words, *first = NULL;
    for (; word->word; word++)
        if (strcmp(word->word, entry->value) != 0)
            first = word;
    for (word = entry->words; word == first || strcmp(word->word, "auto") == 0;)
        word++;
    return which == 0 ? first->word : word->word;
}

/* With the name of the option, for which a table has many. */
static void expect(const struct option_entry *entry, const char *what, int found, int expected)
{
    if (found != expected)
        print_error("--%s: %s is %d, not %d\n", entry->name, what, found, expected);
    assert_int_equal(found, expected);
}

static void expect_status(const struct option_entry *entry, const char *what, status found,
                          status expected)
{
    expect(entry, what, (int)found, (int)expected);
}

static void say(struct options *options, const struct option_entry *entry, int which)
{
    assert_int_equal(options_set(options, entry->name, example(entry, which), "test"), STATUS_OK);
}

/* The next row of the command from *i on, of those that are values; NULL behind the last. */
static const struct option_entry *next_of(enum command command, size_t *i)
{
    while (*i < options_count()) {
        const struct option_entry *entry = &option_table[(*i)++];
        if (option_is_of(entry, command) && option_is_recorded(entry))
            return entry;
    }
    return NULL;
}

/* Names with this trait, of train or else of sweep, in the table's order. */
static void assert_names(enum command command, unsigned trait, const char *expected)
{
    char names[1024] = "";
    const struct option_entry *entry;
    for (size_t i = 0; (entry = next_of(command, &i)) != NULL;)
        if (entry->traits & trait)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", *names ? " " : "",
                     entry->name);
    assert_string_equal(names, expected);
}

/* What DESIGN and docs promise: whoever changes one of these lists changes a promise to users. */
static void traits_are_what_is_promised(void **state)
{
    (void)state;
    assert_names(COMMAND_TRAIN, OPTION_NO_RESULT,
                 "time-limit hang-timeout root-experts placement read stream one-rank output "
                 "resume checkpoint-every keep tensorboard quiet progress profile dry-run");
    assert_names(
        COMMAND_TRAIN, OPTION_FIXED,
        "inputs exclude categories targets group offset weight missing valid task scale experts "
        "committee expert-hidden gate gate-inputs expert-inputs gate-hidden activation "
        "expert-output error likelihood variance freedom top-k balance-weight "
        "entropy-weight optimizer momentum batch-size seed starts init micro-batch "
        "stream-block");
    assert_names(COMMAND_TRAIN, OPTION_SAMPLES, "data targets group weight missing valid seed");
    assert_names(COMMAND_TRAIN, OPTION_FILE, "data valid");
    assert_names(COMMAND_TRAIN, OPTION_RESHAPES, "split prune merge");
    assert_names(COMMAND_SWEEP, OPTION_OF_SWEEP,
                 "grid seeds ranks-per-run index of table one-rank output resume quiet dry-run");
}

static void traits_go_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_entry *entry = &option_table[i];
        unsigned traits = entry->traits;
        bool trained = option_is_of(entry, COMMAND_TRAIN) || option_is_of(entry, COMMAND_SWEEP);
        if (traits & OPTION_FIXED)
            assert_false(traits & (OPTION_NO_RESULT | OPTION_UNRECORDED));
        if (traits & OPTION_OF_THIS_TIME)
            assert_true(traits & OPTION_UNRECORDED);
        if (!trained)
            assert_int_equal(traits, 0);
        /* What train does not know cannot be handed to its runs. */
        if (trained && option_is_recorded(entry) && !option_is_of(entry, COMMAND_TRAIN))
            assert_true(traits & OPTION_OF_SWEEP);
    }
}

static void rows_of_commands_are_whole(void **state)
{
    (void)state;
    char usage[64];
    for (int c = 0; c < N_COMMANDS; c++) {
        const struct command_entry *row = command_table[c];
        assert_int_equal(command_find(row->name), c);
        snprintf(usage, sizeof usage, "coterie %s ", row->name);
        assert_int_equal(strncmp(row->usage, usage, strlen(usage)), 0);
        assert_true(row->summary[0] && row->examples[0] && row->run);
        for (int i = 0; i < 2; i++) {
            assert_true(!row->required[i] || option_find((enum command)c, row->required[i]));
            assert_true(!row->positional[i] || strstr(row->usage, row->positional[i]));
        }
        assert_non_null(option_find((enum command)c, "help"));
    }
    assert_int_equal(command_find("tain"), -1);
}

/* Rank 0's text gives every rank the same values, and what was said. */
static void all_ranks_get_the_same(void **state)
{
    (void)state;
    for (int c = 0; c < N_COMMANDS; c++) {
        const struct option_entry *entry;
        for (size_t i = 0; (entry = next_of((enum command)c, &i)) != NULL;) {
            struct options one, other;
            char *text, *again;
            assert_int_equal(options_init(&one, (enum command)c), STATUS_OK);
            say(&one, entry, 1);
            assert_int_equal(options_to_text(&one, &text), STATUS_OK);
            assert_int_equal(options_from_text(&other, text), STATUS_OK);
            assert_true(options_is_set(&other, entry->name));
            assert_int_equal(options_to_text(&other, &again), STATUS_OK);
            assert_string_equal(text, again);
            memory_free(&text);
            memory_free(&again);
            options_release(&one);
            options_release(&other);
        }
    }
}

static void a_grid_has_what_may_be_compared(void **state)
{
    (void)state;
    const struct option_entry *entry;
    for (size_t i = 0; (entry = next_of(COMMAND_TRAIN, &i)) != NULL;) {
        struct options options;
        char grid[128];
        bool is_left_out = (entry->traits & (OPTION_SAMPLES | OPTION_NO_RESULT | OPTION_UNRECORDED |
                                             OPTION_OF_SWEEP)) != 0;
        snprintf(grid, sizeof grid, "%s=%s;%s", entry->name, example(entry, 0), example(entry, 1));
        assert_int_equal(options_init(&options, COMMAND_SWEEP), STATUS_OK);
        status outcome = options_set(&options, "grid", grid, "test");
        expect_status(entry, "in a grid", outcome, is_left_out ? STATUS_USAGE : STATUS_OK);
        if (is_left_out)
            assert_non_null(strstr(status_text(), "cannot be in a grid"));
        options_release(&options);
    }
}

static void a_sweep_hands_on_what_is_not_its_own(void **state)
{
    (void)state;
    const struct option_entry *entry;
    for (size_t i = 0; (entry = next_of(COMMAND_SWEEP, &i)) != NULL;) {
        struct options options, run;
        struct sweep sweep;
        assert_int_equal(options_init(&options, COMMAND_SWEEP), STATUS_OK);
        options_set(&options, "output", "s", "test");
        say(&options, entry, 0);
        assert_int_equal(sweep_init(&sweep, &options), STATUS_OK);
        assert_int_equal(sweep_run_options(&sweep, 0, &run), STATUS_OK);
        if (!(entry->traits & OPTION_OF_SWEEP) && strcmp(entry->name, "progress") != 0) {
            assert_true(options_is_set(&run, entry->name));
            assert_string_equal(options_value(&run, entry->name), example(entry, 0));
        } else if (option_find(COMMAND_TRAIN, entry->name) && entry->kind == KIND_FLAG) {
            assert_false(options_is_set(&run, entry->name));
        }
        options_release(&run);
        sweep_release(&sweep);
        options_release(&options);
    }
}

/* sweep.yaml of a sweep with the first value, continued with the second, or with none. */
static void a_sweep_is_continued_with_what_may_change(void **state)
{
    char folder[] = "/tmp/test_options_XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sweep.yaml", folder);
    const struct option_entry *entry;
    for (size_t i = 0; (entry = next_of(COMMAND_SWEEP, &i)) != NULL;) {
        struct options first = {0}, same = {0}, other = {0}, written;
        bool exists = false;
        if (OPTION_IS(entry, output))
            continue;
        for (int n = 0; n < 3; n++) {
            struct options *options = n == 0 ? &first : n == 1 ? &same : &other;
            assert_int_equal(options_init(options, COMMAND_SWEEP), STATUS_OK);
            options_set(options, "output", folder, "test");
        }
        say(&first, entry, 0);
        say(&other, entry, 1);
        assert_int_equal(sweep_record_write(&first), STATUS_OK);
        assert_int_equal(sweep_record_merge(&same, &exists), STATUS_OK);
        assert_true(exists);
        bool is_of_this_time = (entry->traits & OPTION_OF_THIS_TIME) != 0;
        assert_int_equal(options_init(&written, COMMAND_SWEEP), STATUS_OK);
        assert_int_equal(options_read_yaml(&written, path), STATUS_OK);
        bool is_written = strcmp(options_value(&written, entry->name), example(entry, 0)) == 0;
        expect(entry, "written", is_written, !is_of_this_time);
        options_release(&written);
        expect(entry, "said", options_is_set(&same, entry->name), !is_of_this_time);
        bool is_kept = strcmp(options_value(&same, entry->name), example(entry, 0)) == 0;
        expect(entry, "kept", is_kept, !is_of_this_time);
        bool may_change = (entry->traits & (OPTION_NO_RESULT | OPTION_OF_SWEEP)) != 0;
        expect_status(entry, "continued", sweep_record_merge(&other, &exists),
                      may_change ? STATUS_OK : STATUS_USAGE);
        options_release(&first);
        options_release(&same);
        options_release(&other);
    }
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

/* A run that was begun with the first value of `entry`, resumed with what was said in `options`. */
static status resume(const struct option_entry *entry, struct options *options, bool reshapes)
{
    const struct communicator comm = {.size = 1};
    struct training training = {.comm = &comm,
                                .options = options,
                                .resume_path = "run/checkpoints/latest",
                                .output = "run",
                                .reshapes = reshapes};
    struct options begun;
    struct run_record record = {.valid_fingerprint = 1};
    assert_int_equal(options_init(&begun, COMMAND_TRAIN), STATUS_OK);
    say(&begun, entry, 0);
    assert_int_equal(record_options(&begun, &record), STATUS_OK);
    char key[OPTION_KEY_SIZE];
    option_key(entry, key);
    assert_int_equal(run_record_config(&record, key) == NULL,
                     (entry->traits & OPTION_UNRECORDED) != 0);
    status outcome = resume_merge_record(&training, &record);
    run_record_release(&record);
    options_release(&begun);
    return outcome;
}

/* What the checks of the samples compare instead: see resume.c. */
static bool is_compared_later(const struct option_entry *entry)
{
    return OPTION_IS(entry, micro_batch) || OPTION_IS(entry, valid);
}

static void a_run_is_resumed_with_what_may_change(void **state)
{
    (void)state;
    const struct option_entry *entry;
    for (size_t i = 0; (entry = next_of(COMMAND_TRAIN, &i)) != NULL;) {
        struct options unsaid, same, other;
        assert_int_equal(options_init(&unsaid, COMMAND_TRAIN), STATUS_OK);
        assert_int_equal(options_init(&same, COMMAND_TRAIN), STATUS_OK);
        assert_int_equal(options_init(&other, COMMAND_TRAIN), STATUS_OK);
        bool is_recorded = !(entry->traits & OPTION_UNRECORDED);
        say(&same, entry, 0);
        say(&other, entry, 1);
        assert_int_equal(resume(entry, &unsaid, false), STATUS_OK);
        /* One rank cannot be three replicas, nobody asked for them: they are left out. */
        if (!OPTION_IS(entry, replicas))
            expect(entry, "taken from the record",
                   strcmp(options_value(&unsaid, entry->name), example(entry, 0)) == 0,
                   is_recorded);
        expect_status(entry, "resumed with the same", resume(entry, &same, false), STATUS_OK);
        bool is_refused =
            (entry->traits & (OPTION_FIXED | OPTION_RESHAPES)) != 0 && !is_compared_later(entry);
        char said[128];
        status outcome = resume(entry, &other, false);
        expect_status(entry, "resumed", outcome, is_refused ? STATUS_USAGE : STATUS_OK);
        snprintf(said, sizeof said, "--%s ", entry->name);
        if (is_refused)
            assert_non_null(strstr(status_text(), said));
        assert_string_equal(options_value(&other, entry->name), example(entry, 1));
        options_release(&unsaid);
        options_release(&same);
        options_release(&other);
    }
}

/* With other experts the record does not say how many, nor what is to be done with them. */
static void a_reshaped_run_takes_its_own(void **state)
{
    (void)state;
    const struct option_entry *entry;
    for (size_t i = 0; (entry = next_of(COMMAND_TRAIN, &i)) != NULL;) {
        struct options unsaid, other;
        bool is_own = (entry->traits & (OPTION_RESHAPES | OPTION_RESHAPED)) != 0;
        if (!is_own)
            continue;
        assert_int_equal(options_init(&unsaid, COMMAND_TRAIN), STATUS_OK);
        assert_int_equal(options_init(&other, COMMAND_TRAIN), STATUS_OK);
        say(&other, entry, 1);
        assert_int_equal(resume(entry, &unsaid, true), STATUS_OK);
        assert_false(options_is_set(&unsaid, entry->name));
        assert_int_equal(resume(entry, &other, true), STATUS_OK);
        options_release(&unsaid);
        options_release(&other);
    }
}

static void said_is_what_was_said(void **state)
{
    (void)state;
    const struct option_entry *entry;
    for (size_t i = 0; (entry = next_of(COMMAND_TRAIN, &i)) != NULL;) {
        struct options options;
        assert_int_equal(options_init(&options, COMMAND_TRAIN), STATUS_OK);
        assert_null(options_said(&options, ~0u));
        say(&options, entry, 0);
        const struct option_entry *found = options_said(&options, OPTION_TAKES_CHARGE);
        assert_ptr_equal(found, entry->traits & OPTION_TAKES_CHARGE ? entry : NULL);
        options_release(&options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traits_are_what_is_promised),
        cmocka_unit_test(traits_go_together),
        cmocka_unit_test(rows_of_commands_are_whole),
        cmocka_unit_test(all_ranks_get_the_same),
        cmocka_unit_test(a_grid_has_what_may_be_compared),
        cmocka_unit_test(a_sweep_hands_on_what_is_not_its_own),
        cmocka_unit_test(a_sweep_is_continued_with_what_may_change),
        cmocka_unit_test(a_run_is_resumed_with_what_may_change),
        cmocka_unit_test(a_reshaped_run_takes_its_own),
        cmocka_unit_test(said_is_what_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
