/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "data/csv/csv.h"

#include "data_fixture.h"

#include <math.h>

/* Text tables as other programs write them: layouts, notations, what is missing, what is no table.
 */

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
    status outcome = csv_read(fixture_path("t.csv"), &table);
    if (outcome == STATUS_OK)
        csv_release(&table);
    return outcome;
}

/* Columns a, b and y with the rows (1, 2, 3), (4, 5, 6) and (7, 8.5, 9), as others write them. */
static void layouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t first_line;
    } files[] = {
        {"a,b,y\n1,2,3\n4,5,6\n7,8.5,9\n", 2},
        {"sep=;\na;b;y\n1;2;3\n4;5;6\n7;8,5;9\n", 3},
        {"\xEF\xBB\xBF\"sep=|\"\r\na|b|y\r\n1|2|3\r\n4|5|6\r\n7|8,5|9\r\n", 3},
        {"a b y\n1 2 3\n4 5 6\n7 8.5 9\n", 2},
        {"  a   b\ty\n 1.0    2  3 \n\n4 5 6\n   7   8.5   9e0\n", 2},
        {"a|b|y\n1|2|3\n4|5|6\n7|8.5|9\n", 2},
        {"a\tb\ty\r1\t2\t3\r4\t5\t6\r7\t8,5\t9\r", 2},
        {"# made by instrument 7, in mm\n#\na,b,y\n1,2,3\n# 9,9,9\n4,5,6\n7,8.5,9\n", 4},
        {"# a b y\n1 2 3\n4 5 6\n# a b y\n7 8.5 9\n", 2}, /* numpy.savetxt, twice */
        {"# run 7\n#a,b,y\n1,2,3\n4,5,6\n7,8.5,9\n", 3},
        {"\"\",\"a\",\"b\",\"y\"\n\"1\",1,2,3\n\"2\",4,5,6\n\"3\",7,8.5,9\n", 2}, /* write.csv */
        {"\"a\" \"b\" \"y\"\n\"r1\" 1 2 3\n\"r2\" 4 5 6\n\"r3\" 7 8.5 9\n", 2},   /* write.table */
        {"a b y\n1 1 2 3\n2 4 5 6\n3 7 8.5 9\n", 2}, /* write.table(quote = FALSE) */
        {"a\tb\ty\n1947\t1\t2\t3\n1950\t4\t5\t6\n1949\t7\t8.5\t9\n", 2},
        {"\"\";\"a\";\"b\";\"y\"\n\"1\";1;2;3\n\"2\";4;5;6\n\"3\";7;8,5;9\n", 2}, /* write.csv2 */
        {",a,b,y\n0,1,2,3\n1,4,5,6\n2,7,8.5,9\n", 2},                             /* to_csv */
        {"Unnamed: 0,a,b,y\n0,1,2,3\n1,4,5,6\n2,7,8.5,9\n", 2}, /* and what comes of it */
        {",a,b,y\n5,1,2,3\n5,4,5,6\n1,7,8.5,9\n", 2},           /* rows drawn with return */
        {"a,b,y,\n1,2,3,\n4,5,6,\n7,8.5,9,\n", 2},
        {"a,b,y\n1,2,3,\n4,5,6,\n7,8.5,9,\n", 2},
        {"\"a\",b,y\n\"1\",\"2\",\"3\"\n\"4\",\"5\",\"6\"\n\"7\",\"8.5\",\"9\"\n", 2},
    };
    const double expected[] = {1, 4, 7, 2, 5, 8.5, 3, 6, 9};
    const char *const names[] = {"a", "b", "y"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct csv_table table = read_text(files[i].text);
        print_message("%zu\n", i);
        assert_int_equal(table.names.n, 3);
        assert_int_equal(table.n_rows, 3);
        assert_int_equal(table.line[0], files[i].first_line);
        for (size_t c = 0; c < 3; c++) {
            assert_string_equal(table.names.item[c], names[c]);
            assert_non_null(table.column[c].number);
            assert_memory_equal(table.column[c].number, expected + 3 * c, 3 * sizeof *expected);
        }
        csv_release(&table);
    }
}

static void layouts_that_are_refused(void **state)
{
    (void)state;
    assert_usage(read_outcome("sep=x\na,b\n1,2\n"), "line 1", "'sep='");
    /* A decimal comma splits numbers; nothing says that their first halves are row numbers. */
    assert_usage(read_outcome("a,b\n1,5,2\n1,7,2\n"), "line 2", "3 cells", "header has 2",
                 "decimal comma");
    assert_usage(read_outcome("x\n1,5\n2,5\n"), "line 2", "2 cells", "decimal comma");
    assert_usage(read_outcome(",a\nu,1\nu,2\n"), "line 1", "column 1 has no name");
    assert_usage(read_outcome("a,b\n1,2\na,b\n3,4\n"), "line 3", "header once more");
    assert_usage(read_outcome("a b\n1 2\n3\n"), "line 3", "1 cells");
}

/* First rows that are no names: numbers above numbers, words that come again below. */
static void headers_that_are_data(void **state)
{
    (void)state;
    static const char *const files[] = {
        "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n6.2,2.9,Iris-virginica\n",
        "M,0.455,15\nF,0.35,7\nI,0.44,10\n",
        "T,2,8,3\nI,5,12,3\nD,4,11,6\n",
        "vhigh,2,small,low,unacc\nvhigh,2,small,med,unacc\nhigh,5more,small,low,acc\n",
        "6,148,72,0\n1,85,66,1\n8,183,64,0\n",
        "1,10,1,11\n2,11,2,13\n3,12,3,11\n",
        "?,17,y\n2,16,n\n3,12,y\n",
        "5.1 3.5 a\n4.9 3.0 b\n",
        "5,1;3,5;a\n4,9;3,0;b\n",
        "5.1\t3.5\ta\n4.9\t3.0\tb\n",
        "1.2%,3.1,2.5\n4.4%,2.0,3.5\n7.1%,1.5,1.1\n",
        "$3,8%\n$5,9%\n$4,7%\n",
        "8.0D-01,1.5\n9.0D-01,2.5\n",
        "(3.5),1.5\n2.5,2.5\n(1.5),3.5\n"};
    static const char *const good[] = {"0,1,2\n5,3,1\n4,3,2\n",
                                       "land,2000,2005,2012\nx,5,6,7\ny,6,7,8\n",
                                       "400,402,404,406,408\n.1,.2,.3,.4,.5\n.2,.2,.3,.4,.5\n",
                                       "party,y\nrep,y\ndem,n\n",
                                       "outlook,play\nsunny,no\nrain,yes\n",
                                       "g1,10%\n1,2\n3,4\n",
                                       "25%,50%,75%\n.1,.2,.3\n.2,.3,.4\n"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_usage(read_outcome(files[i]), "line 1", "the first row looks like", "header row");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(read_outcome(good[i]));
}

/* One column of five cells in a file of its own, beside one of decimal numbers. */
static void write_column(const char *const cells[5], const char *separator, const char *decimals)
{
    char text[1000];
    int used = sprintf(text, "v%sother\n", separator);
    for (int i = 0; i < 5; i++)
        used += sprintf(text + used, "%s%s%s\n", cells[i], separator, decimals);
    fixture_write("t.csv", text);
}

/* Cells of a column beside one of `decimals`, and the numbers that they are. */
static const struct {
    const char *separator, *decimals, *cells[5];
    double number[5];
} notation_columns[] = {
    {",",
     "0.5",
     {"\"4,175\"", "\"1,234,567\"", "\"-12,000\"", "950", "\"1,000.25\""},
     {4175, 1234567, -12000, 950, 1000.25}},
    {",",
     "1",
     {"\"4,175\"", "\"4,176\"", "\"5,177\"", "\"4,178\"", "\"4,179\""},
     {4175, 4176, 5177, 4178, 4179}},
    {";", "0.5", {"4,175", "950", "12,000", "1", "2"}, {4175, 950, 12000, 1, 2}},
    {";", "0,5", {"3.803", "347", "1.234.567", "2.000", "5"}, {3803, 347, 1234567, 2000, 5}},
    {";", "0,5", {"3.803,5", "347", "1,25", "2.000", "5"}, {3803.5, 347, 1.25, 2000, 5}},
    {";", "0,5", {"3,803", "347", "1,200", "2", "5"}, {3.803, 347, 1.2, 2, 5}},
    {"\t", "0,5", {"3,5", "347", "1,200", "2", "5"}, {3.5, 347, 1.2, 2, 5}},
    {";", "0.5", {"3.803", "347", "1.5", "2", "5"}, {3.803, 347, 1.5, 2, 5}},
    {",", "0.5", {"1 234", "12", "1 234 567", "-1 000", "5"}, {1234, 12, 1234567, -1000, 5}},
    {",",
     "0.5",
     {"1'234.5", "12", "1'234'567",
      "1\xE2\x80\x99"
      "000",
      "5"},
     {1234.5, 12, 1234567, 1000, 5}},
    {",",
     "0.5",
     {"1\xC2\xA0"
      "234",
      "1\xE2\x80\xAF"
      "235",
      "6",
      "\xE2\x88\x92"
      "5",
      "7"},
     {1234, 1235, 6, -5, 7}},
    {",", "0.5", {"8%", "8.5%", "-3 %", "NA", "100%"}, {8, 8.5, -3, NAN, 100}},
    {",", "0.5", {"$3.50", "\"$1,000\"", "-$5", "$-6", "?"}, {3.5, 1000, -5, -6, NAN}},
    {";",
     "0,5",
     {"3,50 \xE2\x82\xAC", "1.000,00 \xE2\x82\xAC", "5 \xE2\x82\xAC", "0,5 \xE2\x82\xAC",
      "7 \xE2\x82\xAC"},
     {3.5, 1000, 5, .5, 7}},
    {",", "0.5", {"3.5kg", "71.2kg", "4 kg", "5kg", "6kg"}, {3.5, 71.2, 4, 5, 6}},
    {",", "0.5", {"8.0D-01", "1d3", "-2.5D+02", "1", "0.0D+00"}, {.8, 1000, -250, 1, 0}},
    {",",
     "0.5",
     {"3.14-114", "1.5+120", "2.0E-03", "-.25-100", "1"},
     {3.14e-114, 1.5e120, 2e-3, -.25e-100, 1}},
    {",", "0.5", {".5", "5.", "+3", "1e5", "-0"}, {.5, 5, 3, 1e5, 0}},
    {",", "0.5", {"(3.25)", "2.5", "(12)", "0", "7"}, {-3.25, 2.5, -12, 0, 7}},
    {",",
     "0.5",
     {"($4.50)", "\"$1,000\"", "\"($1,234.50)\"", "$0", "$7"},
     {-4.5, 1000, -1234.5, 0, 7}},
    {",", "0.5", {"3.25-", "2.5", "\"1,000-\"", "0", "7"}, {-3.25, 2.5, -1000, 0, 7}},
    {",", "0.5", {"8.0Q-01", "1q3", "-2.5Q+02", "1", "0.0Q+00"}, {.8, 1000, -250, 1, 0}},
    {",",
     "0.5",
     {"8.0\xC3\x97"
      "10^-1",
      "-2.5 x 10^2", "1.5*10^3", "2*10**2", "1"},
     {.8, -250, 1500, 200, 1}},
    {",", "0.5", {"8.*^-1", "-2.5*^2", "1.", "2", "3"}, {.8, -250, 1, 2, 3}},
    {",", "0.5", {"60 km/h", "55.5 km/h", "7km/h", "8 km/h", "9 km/h"}, {60, 55.5, 7, 8, 9}},
    {",",
     "0.5",
     {"\xE2\x82\xB9"
      "500",
      "\"\xE2\x82\xB9"
      "1,23,456\"",
      "\xE2\x82\xB9"
      "7",
      "-\xE2\x82\xB9"
      "8.5",
      "\xE2\x82\xB9"
      "9"},
     {500, 123456, 7, -8.5, 9}},
    {",", "0.5", {"1", "1.#IND", "-1.#IND00", "1.#QNAN0", "5"}, {1, NAN, NAN, NAN, 5}},
    {",", "0.5", {"1", "-nan(ind)", "NAN", "nan(0x8000)", "+nan"}, {1, NAN, NAN, NAN, NAN}},
    {",", "0.5", {"1", "-", "3", ".", "#N/A"}, {1, NAN, 3, NAN, NAN}},
    {",", "0.5", {"1", "None", "null", "NaN", "\"NA\""}, {1, NAN, NAN, NAN, NAN}},
};

static void notations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof notation_columns / sizeof *notation_columns; i++) {
        struct csv_table table;
        write_column(notation_columns[i].cells, notation_columns[i].separator,
                     notation_columns[i].decimals);
        print_message("%zu\n", i);
        assert_ok(csv_read(fixture_path("t.csv"), &table));
        assert_ok(csv_need_numbers(&table, 0));
        for (int row = 0; row < 5; row++) {
            double expected = notation_columns[i].number[row], found = table.column[0].number[row];
            if (isnan(expected) ? !isnan(found) : found != expected)
                fail_msg("%zu: %s is %.17g", i, notation_columns[i].cells[row], found);
        }
        csv_release(&table);
    }
}

/* What looks like one of these notations, and is none: words, or refused as a slip. */
static void no_notations(void **state)
{
    (void)state;
    static const char *const cells[][5] = {
        {"(1)", "(2)", "(3)", "(4)", "(5)"},      /* footnotes, or negative? */
        {"1-", "-2-", "3", "4", "5"},             /* twice a sign */
        {"(-1)", "2", "3", "4", "5"},             /* the same */
        {"(1", "2", "3", "4", "5"},               /* not closed */
        {"1x10", "2x20", "3x30", "4x40", "5x50"}, /* sizes */
        {"1#", "2#4", "3", "4", "5"},             /* numbers of something */
        {"3/4", "1/2", "7/8", "5/8", "1/8"},      /* fractions, or days */
        {"1.#", "2", "3", "4", "5"},              /* cut off */
    };
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct csv_table table;
        write_column(cells[i], ",", "0.5");
        print_message("%zu\n", i);
        assert_ok(csv_read(fixture_path("t.csv"), &table));
        assert_usage(csv_need_numbers(&table, 0), "t.csv", "column 'v'");
        csv_release(&table);
    }
}

/* Not finite is refused, and is not a number and a unit. */
static void infinite_of_windows(void **state)
{
    (void)state;
    struct csv_table table = read_text("a,y\n1,2\n1.#INF,3\n-1.#INF00,4\n");
    const size_t columns[] = {0, 1};
    assert_usage(csv_need_values(&table, columns, 2), "line 3", "'1.#INF' is not a finite number");
    csv_release(&table);
}

static void notations_are_told(void **state)
{
    (void)state;
    struct csv_table table = read_text("a,b,y\n1,8%,\"4,175\"\n2,9%,\"4,176\"\n");
    assert_int_equal(table.notes.n, 1);
    assert_non_null(strstr(table.notes.item[0], "'b' ('8%' as 8), 'y' ('4,175' as 4175)"));
    csv_release(&table);
    table = read_text("a,y\n1,NA\n+2,.5\n");
    assert_int_equal(table.notes.n, 0);
    csv_release(&table);
}

/* What may be read in two ways is refused where numbers are needed: file, column, line. */
static void unsure_notations(void **state)
{
    (void)state;
    static const struct {
        const char *separator, *decimals, *cells[5], *said;
    } columns[] = {
        {",", "1", {"8%", "9%", "7", "8%", "8%"}, "'8%' (line 2) and '7' (line 4)"},
        {",",
         "1",
         {"$5",
          "\xE2\x82\xAC"
          "5",
          "$7", "$8", "$9"},
         "(line 2) and"},
        {";", "1", {"950", "4,175", "12", "5", "6"}, "'4,175' (line 3)"},
        {";", "0,5", {"1.5", "3.803", "12", "5", "6"}, "'3.803' (line 3)"},
        {",", "1", {"1.234.567", "0.5", "12", "5", "4.175"}, "'4.175' (line 6)"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        struct csv_table table;
        write_column(columns[i].cells, columns[i].separator, columns[i].decimals);
        assert_ok(csv_read(fixture_path("t.csv"), &table));
        assert_usage(csv_need_numbers(&table, 0), "t.csv", "column 'v'", columns[i].said);
        csv_release(&table);
    }
    /* Texts that hold digits are texts. */
    static const char *const texts[][5] = {{"2020-01-05", "2020-01-06", "x", "y", "z"},
                                           {"12:30", "12:45", "13:00", "13:15", "13:30"},
                                           {"2", "4", "5more", "2", "3"},
                                           {"4cyl", "6cyl", "4cyl", "6cyl", "4cyl"},
                                           {"1.2.3", "1.2.4", "1.3", "2", "2.1"},
                                           {"0x10", "0x11", "3", "4", "5"},
                                           {"1-2", "3-5", "6", "7", "8"},
                                           {"01.02.2020", "02.02.2020", "3", "4", "5"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct csv_table table;
        write_column(texts[i], ",", "1");
        assert_ok(csv_read(fixture_path("t.csv"), &table));
        assert_usage(csv_need_numbers(&table, 0), "column 'v'", "is not a number");
        csv_release(&table);
    }
}

/* R quotes the levels of a factor, and not numbers; who quotes everything means nothing by it. */
static void codes_in_quotes(void **state)
{
    (void)state;
    struct csv_table table = read_text("g,x,z\n\"1\",2.5,\"1.5\"\n\"2\",3.5,\"2\"\nNA,4,\"3\"\n");
    assert_null(table.column[0].number);
    assert_string_equal(table.column[0].values.item[1], "2");
    assert_int_equal(table.column[0].code[2], -1);
    assert_non_null(table.column[2].number); /* no codes: a fraction */
    csv_release(&table);
    table = read_text("g,x\n\"1\",\"2.5\"\n\"2\",\"3.5\"\n");
    assert_non_null(table.column[0].number);
    csv_release(&table);
}

static void texts_of_numbers(void **state)
{
    (void)state;
    struct csv_table table = read_text("a,b,c\n1,01001,12345678901234567\n2,1001,5\n,NA,6\n");
    struct string_list texts = {0};
    int32_t *codes;
    assert_false(table.column[0].has_spelling);
    assert_true(table.column[1].has_spelling && table.column[2].has_spelling);
    assert_ok(csv_read_texts(&table, 1, &codes, &texts));
    const int32_t expected[] = {0, 1, -1};
    assert_memory_equal(codes, expected, sizeof expected);
    assert_string_equal(texts.item[0], "01001");
    string_list_release(&texts);
    memory_free(&codes);
    fixture_write("t.csv", "a,b,c\n1,2,3\n");
    assert_usage(csv_read_texts(&table, 1, &codes, &texts), "t.csv", "changed");
    string_list_release(&texts);
    memory_free(&codes);
    csv_release(&table);
}

/* A literal, which may hold zeros, and its length. */
#define BYTES(literal) literal, sizeof(literal) - 1

static void files_of_other_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *kind, *advice;
    } files[] = {
        {BYTES("\x1F\x8B\x08\0\0\0\0\0"), "gzip", "gunzip"},
        {BYTES("BZh91AY&SY\x01\x02"), "bzip2", "bunzip2"},
        {BYTES("\xFD"
               "7zXZ\0\0"),
         "xz", "unxz"},
        {BYTES("\x28\xB5\x2F\xFD\0\0"), "zstd", "unzstd"},
        {BYTES("PK\x03\x04\x14\0\0\0xl/workbook.xml"), "Excel", "CSV"},
        {BYTES("PK\x03\x04\x14\0\0\0x.npy"), "npz", "HDF5"},
        {BYTES("PK\x03\x04\x14\0\0\0d.csv"), "zip", "unzip"},
        {BYTES("PAR1\x15\0\0\0"), "Parquet", "to_csv"},
        {BYTES("ARROW1\0\0"), "Feather", "to_csv"},
        {BYTES("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), "xls", "CSV"},
        {BYTES("CDF\x01\0\0"), "netCDF", "nccopy"},
        {BYTES("$FL2@(#) SPSS"), "SPSS", "CSV"},
        {BYTES("<stata_dta><header>"), "Stata", "CSV"},
        {BYTES("RDX3\nX\n\0\0\0\x03"), "R ", "write.csv"},
        {BYTES("X\n\0\0\0\x03"), "R ", "write.csv"},
        {BYTES("MATLAB 5.0 MAT-file, Platform"), "MATLAB", "-v7.3"},
        {BYTES("SQLite format 3\0"), "SQLite", "sqlite3"},
        {BYTES("%%MatrixMarket matrix array real general\n2 1\n1\n2\n"), "Matrix Market", "mmread"},
        {BYTES("SIMPLE  =                    T"), "FITS", "CSV"},
        {BYTES("GRIB\0\0"), "GRIB", "netCDF-4"},
        {BYTES("ORC\0\0"), "ORC", "read_orc"},
        {BYTES("\x80\x04\x95\x1a\0"), "pickle", "read_pickle"},
        {BYTES("[\n  {\"a\": 1, \"y\": 2}]\n"), "JSON", "read_json"},
        {BYTES("{\"a\": [1, 2], \"y\": [2, 3]}\n"), "JSON", "read_json"},
        {BYTES("[[1, 2], [3, 4]]\n"), "JSON", "read_json"},
        {BYTES("1 1:0.5 3:2\n0 2:0.5\n"), "LIBSVM", "load_svmlight_file"},
        {BYTES("-1.5 7:1e-3\n2 2:0.5\n"), "LIBSVM", "load_svmlight_file"},
        {BYTES("<!DOCTYPE html>\n<html>"), "HTML", "download"},
        {BYTES("a\0,\0b\0\n\0"), "UTF-16", "iconv"},
    };
    struct csv_table table;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fixture_write_bytes("f.csv", files[i].bytes, files[i].n);
        assert_usage(csv_read(fixture_path("f.csv"), &table), "f.csv: is ", files[i].kind,
                     files[i].advice);
    }
    /* Names of columns that begin like them. */
    assert_ok(read_outcome("PAR1,BZh,FEA1\n1,2,3\n"));
    assert_ok(read_outcome("RDX,CDF,ORC\n1,2,3\n"));
}

/* Rows across blocks, quoted line ends in them, and what is only known at the end of the file. */
static void a_long_file(void **state)
{
    (void)state;
    enum { ROWS = 150000 };
    FILE *file = fopen(fixture_path("long.csv"), "w");
    assert_non_null(file);
    fputs("# remark\n\"a\"  code text\n", file);
    for (long i = 0; i < ROWS; i++)
        fprintf(file, "%ld.5 %s%ld \"t\n%ld\"\n%s", i, i == ROWS - 1 ? "0" : "", i + 100000, i % 7,
                i % 1000 ? "" : "# \"\n");
    assert_int_equal(fclose(file), 0);
    struct csv_table table;
    assert_ok(csv_read(fixture_path("long.csv"), &table));
    assert_int_equal(table.n_rows, ROWS);
    size_t line = 3;
    for (long i = 0; i < ROWS; i++) {
        if (table.column[0].number[i] != (double)i + 0.5 || table.column[2].code[i] != i % 7 ||
            table.column[1].number[i] != (double)(i + 100000) || table.line[i] != line)
            fail_msg("row %ld", i);
        line += i % 1000 ? 2 : 3;
    }
    assert_true(table.column[1].has_spelling);
    csv_release(&table);
}

/* As R's format() and programs with columns of fixed width write them. */
static void padded_cells(void **state)
{
    (void)state;
    struct csv_table table = read_text("a,b,c,d,y\n"
                                       "\"  -166,121.04\",\" 8%\",\" NA\",\" x\",1\n"
                                       "\" 1,020,463.91\",\"12% \",\" 2.5 \",\"x\",2\n"
                                       "\"   136,221.89\",\"9%\",\"\t3\",\"x \",3\n");
    const double a[] = {-166121.04, 1020463.91, 136221.89}, b[] = {8, 12, 9};
    for (size_t row = 0; row < 3; row++) {
        assert_true(table.column[0].number && table.column[0].number[row] == a[row]);
        assert_true(table.column[1].number && table.column[1].number[row] == b[row]);
    }
    assert_true(table.column[2].number && isnan(table.column[2].number[0]));
    assert_true(table.column[2].number[1] == 2.5 && table.column[2].number[2] == 3);
    assert_int_equal(table.column[3].values.n, 3); /* texts keep their blanks */
    csv_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padded_cells),
        cmocka_unit_test(layouts),
        cmocka_unit_test(layouts_that_are_refused),
        cmocka_unit_test(headers_that_are_data),
        cmocka_unit_test(notations),
        cmocka_unit_test(no_notations),
        cmocka_unit_test(infinite_of_windows),
        cmocka_unit_test(notations_are_told),
        cmocka_unit_test(unsure_notations),
        cmocka_unit_test(codes_in_quotes),
        cmocka_unit_test(texts_of_numbers),
        cmocka_unit_test(files_of_other_kinds),
        cmocka_unit_test(a_long_file),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
