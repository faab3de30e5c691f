/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/real.h"
#include "base/rng.h"
#include "data/csv/csv.h"

#include "data_fixture.h"

#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

static struct csv_table read_text(const char *text)
{
    struct csv_table table;
    fixture_write("t.csv", text);
    assert_ok(csv_read(fixture_path("t.csv"), &table));
    return table;
}

static status read_outcome(const char *text)
{
    struct csv_table table;
    fixture_write("t.csv", text);
    return csv_read(fixture_path("t.csv"), &table);
}

/* Reads a good file of which the first columns are needed. */
static status need_outcome(const char *text, size_t n)
{
    static const size_t columns[] = {0, 1, 2, 3};
    struct csv_table table = read_text(text);
    status outcome = csv_need_values(&table, columns, n);
    csv_release(&table);
    return outcome;
}

static void numbers_and_text(void **state)
{
    (void)state;
    struct csv_table table = read_text("a,b c,label\n1,-2.5e3,x\n 4 ,\"5\",y\n+.5,1e-300,x\n");
    const double a[] = {1, 4, .5}, b[] = {-2500, 5, 1e-300};
    const int32_t code[] = {0, 1, 0};
    assert_int_equal(table.n_rows, 3);
    assert_int_equal(table.names.n, 3);
    assert_string_equal(table.names.item[1], "b c");
    assert_memory_equal(table.column[0].number, a, sizeof a);
    assert_memory_equal(table.column[1].number, b, sizeof b);
    assert_null(table.column[2].number);
    assert_memory_equal(table.column[2].code, code, sizeof code);
    assert_int_equal(table.column[2].values.n, 2);
    assert_string_equal(table.column[2].values.item[1], "y");
    assert_ok(csv_need_numbers(&table, 0));
    csv_release(&table);
    assert_null(table.column);
}

/* The same table with line ends of every kind, a byte-order mark and no last line end. */
static void line_ends_and_byte_order_mark(void **state)
{
    (void)state;
    static const char with_mark[] = "\xEF\xBB\xBF"
                                    "a,b\n1,2\n3,4";
    static const char *const texts[] = {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n",
                                        "a,b\r1,2\r3,4\r", with_mark,
                                        "\"a\",\"b\"\n\"1\",2\n3,\"4\"\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct csv_table table = read_text(texts[i]);
        assert_int_equal(table.n_rows, 2);
        assert_string_equal(table.names.item[0], "a");
        assert_true(table.column[0].number[1] == 3 && table.column[1].number[1] == 4);
        assert_int_equal(table.line[0], 2);
        assert_int_equal(table.line[1], 3);
        csv_release(&table);
    }
}

/* As spreadsheets write them in much of Europe, and statistics programs. */
static void semicolons_and_tabs(void **state)
{
    (void)state;
#define ZEROS "00000000000000000000000000000000"
    static const char *const texts[] = {
        "a;b c;label\n1,5;-2e-3;x\n-,25;\"1000,75" ZEROS ZEROS "\";y,z\n",
        "\r\n\"a\";b c;label\r\n1.5;-0,002;x\r\n-0,25;1000.75;y,z\r\n",
        "a\tb c\tlabel\n1.5\t-2e-3\tx\n-0.25\t1000.75\ty,z\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct csv_table table = read_text(texts[i]);
        assert_int_equal(table.n_rows, 2);
        assert_int_equal(table.names.n, 3);
        assert_string_equal(table.names.item[0], "a");
        assert_string_equal(table.names.item[1], "b c");
        assert_true(table.column[0].number[0] == 1.5 && table.column[0].number[1] == -0.25);
        assert_true(table.column[1].number[0] == -0.002 && table.column[1].number[1] == 1000.75);
        assert_string_equal(table.column[2].values.item[1], "y,z");
        csv_release(&table);
    }
    /* In quotes also with commas between the cells. */
    struct csv_table table = read_text("a,b;c\n\"1,5\",2\n");
    assert_int_equal(table.names.n, 2);
    assert_true(table.column[0].number[0] == 1.5);
    csv_release(&table);
    table = read_text("a;b\n1,000.5;1,2,3\n");
    assert_true(table.column[0].number[0] == 1000.5 && !table.column[1].number);
    csv_release(&table);
    assert_usage(need_outcome("a;b\n1;2\n3;\n", 2), "t.csv", "line 3", "column 'b'", "missing");
    assert_usage(need_outcome("a\tb\n1\t2\n\t3\n", 2), "line 3", "column 'a'", "missing");
    assert_usage(read_outcome("a;b\n1;2;3\n"), "t.csv", "line 2", "3 cells", "semicolons");
    assert_usage(read_outcome("0.5;2\n1;2\n"), "t.csv", "line 1", "header row such as x0;y");
}

static void text_that_is_not_utf8(void **state)
{
    (void)state;
    assert_usage(read_outcome("a,stra\xDF"
                              "e\n1,2\n"),
                 "t.csv", "line 1", "column 2", "UTF-8", "iconv");
    assert_usage(read_outcome("a,b\n1,x\n2,K\xF6ln\n"), "t.csv", "line 3", "'b'", "UTF-8");
    assert_usage(read_outcome("a,b\n1,2\n2,K\xF6ln\n"), "t.csv", "line 3", "'b'", "UTF-8");
    /* Half a letter, one too long, a surrogate, beyond the last letter. */
    static const char *const bad[] = {
        "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[32];
        snprintf(text, sizeof text, "a,b\n1,%s\n", bad[i]);
        assert_usage(read_outcome(text), "UTF-8");
    }
    struct csv_table table = read_text("a,b\n1,K\xC3\xB6ln\n2,\xE2\x82\xAC\n3,\xF0\x9F\x98\x80\n");
    assert_string_equal(table.column[1].values.item[0], "K\xC3\xB6ln");
    assert_int_equal(table.column[1].values.n, 3);
    csv_release(&table);
}

static void quoted_cells_span_lines(void **state)
{
    (void)state;
    struct csv_table table =
        read_text("t,n\n\n\"one\ntwo, \"\"three\"\"\r\nfour\",1\n\n  \nplain,2\n");
    assert_int_equal(table.n_rows, 2);
    assert_string_equal(table.column[0].values.item[0], "one\ntwo, \"three\"\r\nfour");
    assert_int_equal(table.line[0], 3);
    assert_int_equal(table.line[1], 8);
    csv_release(&table);
}

/* Rows across the 1-MiB blocks in which the file is read, and a column that turns into text late.
 */
static void a_long_file(void **state)
{
    (void)state;
    enum { ROWS = 200000 };
    FILE *file = fopen(fixture_path("long.csv"), "w");
    assert_non_null(file);
    fputs("i,square,late,name\r\n", file);
    for (long i = 0; i < ROWS; i++)
        fprintf(file, "%ld,%ld,%s,\"k%ld\"\r\n", i, i * i, i < ROWS - 1 ? "0.50" : "half",
                i % 1000);
    assert_int_equal(fclose(file), 0);
    struct csv_table table;
    assert_ok(csv_read(fixture_path("long.csv"), &table));
    assert_int_equal(table.n_rows, ROWS);
    for (long i = 0; i < ROWS; i++) {
        if (table.column[0].number[i] != (double)i ||
            table.column[1].number[i] != (double)(i * i) || table.column[3].code[i] != i % 1000 ||
            table.line[i] != (size_t)i + 2)
            fail_msg("row %ld", i);
    }
    assert_int_equal(table.column[2].values.n, 2);
    assert_string_equal(table.column[2].values.item[0], "0.50");
    assert_string_equal(table.column[2].values.item[1], "half");
    assert_int_equal(table.column[2].code[ROWS - 1], 1);
    assert_int_equal(table.column[2].first_text_row, ROWS - 1);
    assert_usage(csv_need_numbers(&table, 2), "long.csv", "line 200001", "column 'late'", "'half'");
    csv_release(&table);
}

static void what_counts_as_text(void **state)
{
    (void)state;
    struct csv_table table = read_text("a,b,c,d\n1,nan,0x10,?\nNA,bob,2,x\n5,\"NA\",3,y\n");
    assert_ok(csv_need_numbers(&table, 0));
    assert_true(isnan(table.column[0].number[1]));
    assert_int_equal(table.column[1].code[0], -1);
    assert_string_equal(table.column[1].values.item[1], "NA"); /* in quotes: Namibia */
    assert_usage(csv_need_numbers(&table, 2), "line 2", "'0x10'");
    assert_string_equal(table.column[3].values.item[0], "?");
    csv_release(&table);
}

/* Halfway cases, the limits of the short way and beyond, and 40000 random spellings. */
static void numbers_are_rounded_correctly(void **state)
{
    (void)state;
    enum { RANDOM = 40000 };
    static const char *const hard[] = {"0",
                                       "-0",
                                       "-0.0",
                                       "0.1",
                                       "-.5",
                                       "5.",
                                       "00012.50",
                                       "999999999999999",
                                       "9999999999999999",
                                       "9007199254740993",
                                       "9007199254740992.5",
                                       "0.000000000000001",
                                       "123456789012345.6",
                                       "0.1234567890123456789012",
                                       "0.0000000000000000000001",
                                       "0.00000000000000000000001",
                                       "1.00000000000000011102230246251565",
                                       "2.2250738585072011e-308",
                                       "4.9e-324",
                                       "2.5e-324",
                                       "1.7976931348623157e308",
                                       "8.5",
                                       "+3.25",
                                       "1e22",
                                       "1e23",
                                       "7.2057594037927933e16",
                                       "0.500000000000000166533453693773481063544750213623046875",
                                       "18446744073709551616",
                                       "184467440737095516160.5",
                                       "3.14159265358979"};
    enum { HARD = sizeof hard / sizeof *hard };
    static char spelling[HARD + RANDOM][64];
    struct csv_table table;
    struct rng rng;
    rng_init(&rng, 11, RNG_START, 0, 0);
    FILE *file = fopen(fixture_path("rounding.csv"), "w");
    assert_non_null(file);
    fputs("a\n", file);
    for (size_t i = 0; i < HARD + RANDOM; i++) {
        int decimals = (int)rng_below(&rng, 25);
        double value = (rng_uniform(&rng) - 0.5) * pow(10, (double)rng_below(&rng, 19));
        if (i < HARD)
            snprintf(spelling[i], sizeof spelling[i], "%s", hard[i]);
        else
            snprintf(spelling[i], sizeof spelling[i], i % 4 ? "%.*f" : "%.*e", decimals, value);
        fprintf(file, "%s\n", spelling[i]);
    }
    assert_int_equal(fclose(file), 0);
    assert_ok(csv_read(fixture_path("rounding.csv"), &table));
    assert_int_equal(table.n_rows, HARD + RANDOM);
    for (size_t i = 0; i < HARD + RANDOM; i++) {
        double expected = strtod(spelling[i], NULL);
        if (memcmp(&expected, &table.column[0].number[i], sizeof expected) != 0)
            fail_msg("%s became %.17g", spelling[i], table.column[0].number[i]);
    }
    csv_release(&table);
}

static void missing_and_surplus_cells(void **state)
{
    (void)state;
    assert_usage(need_outcome("a,b\n1,2\n3,\n", 2), "t.csv", "line 3", "column 'b'", "missing");
    assert_usage(need_outcome("a,b\n1,2\n\n \"\",4\n", 1), "t.csv", "line 4", "column 'a'",
                 "missing");
    assert_usage(read_outcome("a,b\n1,2\n3\n"), "t.csv", "line 3", "1 cells", "header has 2");
    assert_usage(read_outcome("a,b\n1,2,3\n3,4\n"), "t.csv", "line 2", "3 cells", "header has 2");
    assert_usage(read_outcome("a\n1\n\n2\n"), "t.csv", "line 3", "column 'a'", "missing");
    struct csv_table table = read_text("a\n1\n2\n\n\n");
    assert_int_equal(table.n_rows, 2);
    csv_release(&table);
}

static void numbers_that_are_not_finite(void **state)
{
    (void)state;
    static const char *const cells[] = {"\"nan\"", "Inf", "inf", "-Infinity", "1e999"};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char text[64];
        snprintf(text, sizeof text, "a,b\n1,2\n\"3\",%s\n5,6\n", cells[i]);
        assert_usage(need_outcome(text, 2), "t.csv", "line 3", "column 'b'", "'",
                     i ? cells[i] : "nan", "finite");
        assert_ok(need_outcome(text, 1));
    }
}

/* Counted in one go, in columns that are needed. */
static void cells_without_a_value(void **state)
{
    (void)state;
    static const char text[] = "a,b,c,d\n1,,x,1\n,,,NA\n3,4,,2\n4,inf,y,3\n5,6,z,\n";
    struct csv_table table = read_text(text);
    assert_int_equal(table.column[0].n_missing, 1);
    assert_int_equal(table.column[1].n_missing, 2);
    assert_int_equal(table.column[1].first_missing, 0);
    assert_int_equal(table.column[1].n_not_finite, 1);
    assert_true(isnan(table.column[1].number[1]) && isinf(table.column[1].number[3]));
    assert_int_equal(table.column[2].n_missing, 2);
    assert_int_equal(table.column[2].code[1], -1);
    assert_int_equal(table.column[2].code[4], 2);
    assert_null(table.column[2].mark);
    assert_string_equal(table.column[3].mark, "NA");
    assert_int_equal(table.column[3].mark_row, 1);
    csv_release(&table);
    assert_usage(need_outcome(text, 1), "line 3, column 'a'", "missing; fill it in");
    assert_usage(need_outcome(text, 2), "line 2, column 'b'", "4 such cells in 3 of the 5 rows");
    assert_usage(need_outcome(text, 3), "line 2, column 'b'", "6 such cells in 4 of the 5 rows");
    assert_usage(need_outcome(text, 4), "8 such cells in 5 of the 5 rows");
    assert_usage(need_outcome("a,b\n1,2\nn/a,3\n2,4\n", 1), "line 3, column 'a'", "('n/a')");
    /* Words behind empty cells; and numbers, so that the file is read once more. */
    assert_usage(need_outcome("a,b\n1,\n2,\n3,x\n,y\n", 2), "line 2, column 'b'",
                 "3 such cells in 3 of the 4 rows");
    assert_usage(need_outcome("a,b\n1,\n2,7\n3,x\n,y\n", 2), "line 2, column 'b'",
                 "2 such cells in 2 of the 4 rows");
}

static void bad_headers(void **state)
{
    (void)state;
    assert_usage(read_outcome("a,b,a\n1,2,3\n"), "t.csv", "line 1", "columns 1 and 3", "'a'");
    assert_usage(read_outcome("a,,c\n1,2,3\n"), "t.csv", "line 1", "column 2", "name");
    assert_usage(read_outcome("a,b\n"), "t.csv", "no samples");
    assert_usage(read_outcome(""), "t.csv", "no samples");
    assert_usage(read_outcome("\n\n"), "t.csv", "no samples");
    assert_usage(read_outcome("0.5,-1e3,2\n1,2,3\n"), "t.csv", "line 1", "header");
    struct csv_table numbered = read_text("0,1,2\n0.5,2,3\n");
    assert_string_equal(numbered.names.item[2], "2");
    csv_release(&numbered);
}

static void bad_quotes_and_bytes(void **state)
{
    (void)state;
    struct csv_table table;
    assert_usage(read_outcome("a,b\n1,x\"y\n2,z\n"), "t.csv", "line 2", "quote");
    assert_usage(read_outcome("a,b\n1,2\n3,\"4\n5,6\n"), "t.csv", "line 3", "quote");
    fixture_write_bytes("nul.csv", "a,b\n1,2\0\n", 9);
    assert_usage(csv_read(fixture_path("nul.csv"), &table), "nul.csv", "line 2", "NUL");
    fixture_write_bytes("wide.csv",
                        "\xFF\xFE"
                        "a\0,\0",
                        6);
    assert_usage(csv_read(fixture_path("wide.csv"), &table), "wide.csv", "UTF-16");
}

static void messages_stay_one_readable_line(void **state)
{
    (void)state;
    char text[600] = "a,b\n1,2\n3,\"bad\ncell ";
    for (int i = 0; i < 50; i++)
        strcat(text, "\xC3\xA9");
    strcat(text, "\"\n");
    struct csv_table table = read_text(text);
    assert_usage(csv_need_numbers(&table, 1), "line 3", "'bad\\ncell ", "...'");
    const char *dots = strstr(status_text(), "...'");
    assert_int_equal((unsigned char)dots[-1], 0xA9); /* cut between letters, not inside one */
    csv_release(&table);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    struct csv_table table;
    assert_usage(csv_read(fixture_path("none.csv"), &table), "none.csv", "no such file");
    assert_usage(csv_read(fixture_folder, &table), fixture_folder, "folder");
    if (geteuid() == 0) {
        print_message("not tried as root, who may read everything: no permission\n");
        return;
    }
    fixture_write("secret.csv", "a\n1\n");
    assert_int_equal(chmod(fixture_path("secret.csv"), 0), 0);
    assert_usage(csv_read(fixture_path("secret.csv"), &table), "secret.csv", "permission");
}

static void written_and_read_back(void **state)
{
    (void)state;
    struct csv_writer *writer;
    struct csv_table table;
    static const char *const texts[] = {"plain", "with, comma", "a \"quote\"", " blank ",
                                        "two\nlines"};
    assert_ok(csv_writer_create(fixture_path("out.csv"), &writer));
    assert_ok(csv_writer_text(writer, "class"));
    assert_ok(csv_writer_text(writer, "p, \"q\""));
    assert_ok(csv_writer_end_row(writer));
    for (int i = 0; i < 5; i++) {
        assert_ok(csv_writer_text(writer, texts[i]));
        assert_ok(csv_writer_double(writer, (double)((real)1 / (real)(i + 3))));
        assert_ok(csv_writer_end_row(writer));
    }
    assert_ok(csv_writer_close(&writer));
    assert_null(writer);
    assert_ok(csv_writer_close(&writer));
    assert_ok(csv_read(fixture_path("out.csv"), &table));
    assert_string_equal(table.names.item[1], "p, \"q\"");
    for (int i = 0; i < 5; i++) {
        assert_string_equal(table.column[0].values.item[table.column[0].code[i]], texts[i]);
        assert_true((real)table.column[1].number[i] == (real)1 / (real)(i + 3));
    }
    csv_release(&table);
    size_t length;
    char *text = fixture_read("out.csv", &length);
    assert_non_null(strstr(text, "\nplain,0.3333333")); /* no quotes where none are needed */
    free(text);
}

static void writing_fails_cleanly(void **state)
{
    (void)state;
    struct csv_writer *writer;
    fixture_write("there.csv", "mine");
    assert_usage(csv_writer_create(fixture_path("there.csv"), &writer), "there.csv", "exists");
    assert_null(writer);
    assert_int_equal(csv_writer_create(fixture_path("no/such.csv"), &writer), STATUS_FAILED);
    assert_non_null(strstr(status_text(), "no/such.csv"));
}

/* As on a full disk: a file may not grow beyond 4 KiB. */
static void a_failed_write_is_reported(void **state)
{
    (void)state;
    struct csv_writer *writer;
    struct rlimit before, small;
    status outcome = STATUS_OK, closed;
    signal(SIGXFSZ, SIG_IGN);
    assert_ok(csv_writer_create(fixture_path("big.csv"), &writer));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 1000 && outcome == STATUS_OK; i++) {
        outcome = csv_writer_double(writer, i / 3.0);
        if (outcome == STATUS_OK)
            outcome = csv_writer_end_row(writer);
    }
    closed = csv_writer_close(&writer);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    check_failure(status_first(outcome, closed), STATUS_FAILED,
                  (const char *const[]){"big.csv", "written", NULL}, __FILE__, __LINE__);
    assert_null(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_text),
        cmocka_unit_test(line_ends_and_byte_order_mark),
        cmocka_unit_test(semicolons_and_tabs),
        cmocka_unit_test(text_that_is_not_utf8),
        cmocka_unit_test(quoted_cells_span_lines),
        cmocka_unit_test(a_long_file),
        cmocka_unit_test(what_counts_as_text),
        cmocka_unit_test(numbers_are_rounded_correctly),
        cmocka_unit_test(missing_and_surplus_cells),
        cmocka_unit_test(cells_without_a_value),
        cmocka_unit_test(numbers_that_are_not_finite),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(bad_quotes_and_bytes),
        cmocka_unit_test(messages_stay_one_readable_line),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(written_and_read_back),
        cmocka_unit_test(writing_fails_cleanly),
        cmocka_unit_test(a_failed_write_is_reported),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
