/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/hdf5/hdf5_meaning.h"

#include "hdf5_internal.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST_NUMBERS = 64 }; /* in an attribute */

/* A data set, while its meaning is looked for. */
struct search {
    struct hdf5_file *file;
    const char *name;
    H5T_class_t class;
    size_t bytes;
    bool is_signed;
    H5D_fill_value_t fill_status;
    double fill;      /* that the library has for it, if fill_status says so */
    bool never_fills; /* what is not written (NOFILL of netCDF) */
    struct hdf5_meaning *meaning;
};

static bool has(const struct search *search, const char *attribute)
{
    return hdf5_has_attribute(search->file, search->name, attribute);
}

/* As a number of the data set's type: 1e20 is another number as a float. */
static double as_stored(const struct search *search, double number)
{
    if (search->class == H5T_FLOAT && search->bytes == sizeof(float))
        return (double)(float)number;
    double wrap = search->meaning->wrap;
    return wrap > 0 && number < 0 ? number + wrap : number;
}

static status add_mark(struct search *search, double number, const char *what)
{
    struct hdf5_meaning *meaning = search->meaning;
    if (isnan(number))
        return STATUS_OK;
    status outcome = memory_grow(&meaning->mark, meaning->n_marks, meaning->n_marks + 1,
                                 sizeof *meaning->mark, "missing values");
    if (outcome == STATUS_OK)
        meaning->mark[meaning->n_marks++] = (struct hdf5_mark){as_stored(search, number), what};
    return outcome;
}

/* The numbers of an attribute, of text too; none if there is no such, or it holds no numbers. */
static status read_attribute(const struct search *search, const char *attribute,
                             double number[MOST_NUMBERS], size_t *n, bool *is_float)
{
    *n = 0;
    if (!has(search, attribute))
        return STATUS_OK;
    return hdf5_read_numbers(search->file, search->name, attribute, MOST_NUMBERS, number, n,
                             is_float);
}

/* The text of an attribute is `text`, at least at its beginning. */
static bool says(const struct search *search, const char *attribute, const char *text)
{
    char *value = NULL;
    bool same = has(search, attribute) &&
                hdf5_read_text(search->file, search->name, attribute, &value) == STATUS_OK &&
                strncmp(value, text, strlen(text)) == 0;
    memory_free(&value);
    return same;
}

static status find_unsigned(struct search *search)
{
    char *text = NULL;
    if (search->class != H5T_INTEGER || search->bytes > 4 || !has(search, "_Unsigned"))
        return STATUS_OK;
    status outcome = hdf5_read_text(search->file, search->name, "_Unsigned", &text);
    double range = ldexp(1, 8 * (int)search->bytes);
    if (outcome == STATUS_OK && search->is_signed && strcasecmp(text, "true") == 0)
        search->meaning->wrap = range;
    if (outcome == STATUS_OK && !search->is_signed && strcasecmp(text, "false") == 0)
        search->meaning->wrap = -range;
    memory_free(&text);
    return outcome;
}

/* Attributes that name missing values. */
static const struct {
    const char *attribute, *what;
} missing_attributes[] = {{"_FillValue", "its _FillValue"},
                          {"missing_value", "its missing_value"},
                          {"MissingValue", "its MissingValue"},
                          {"FillValue", "its FillValue"},
                          {"fill_value", "its fill_value"},
                          {"Missing_DN", "its Missing_DN"},
                          {"nodata", "its nodata"},
                          {"NoData", "its NoData"},
                          {"nodata_value", "its nodata_value"}};

/*
 * Packed numbers are marked as they are stored. A mark that cannot be one of these, as -99.9, is
 * meant as unpacked, and is the stored number that comes nearest.
 */
static double mark_as_stored(const struct search *search, double number)
{
    const struct hdf5_meaning *meaning = search->meaning;
    bool can_be_stored = search->class != H5T_INTEGER || number == rint(number);
    return can_be_stored || !meaning->is_packed ? number
                                                : rint((number - meaning->offset) / meaning->scale);
}

static status find_missing_attributes(struct search *search)
{
    double number[MOST_NUMBERS];
    size_t n = 0;
    bool is_float;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof missing_attributes / sizeof *missing_attributes; i++) {
        if (outcome == STATUS_OK)
            outcome =
                read_attribute(search, missing_attributes[i].attribute, number, &n, &is_float);
        for (size_t k = 0; outcome == STATUS_OK && k < n; k++)
            outcome =
                add_mark(search, mark_as_stored(search, number[k]), missing_attributes[i].what);
    }
    return outcome;
}

/* What netCDF writes where nothing was written (netcdf.h); not for single bytes. */
static status find_default_fill(struct search *search)
{
    static const char what[] = "what netCDF fills in where nothing was written";
    const struct {
        H5T_class_t class;
        size_t bytes;
        bool is_signed;
        double fill;
    } defaults[] = {{H5T_FLOAT, 4, true, 9.969209968386869e36},
                    {H5T_FLOAT, 8, true, 9.969209968386869e36},
                    {H5T_INTEGER, 2, true, -32767},
                    {H5T_INTEGER, 4, true, -2147483647},
                    {H5T_INTEGER, 8, true, -9223372036854775806.},
                    {H5T_INTEGER, 2, false, 65535},
                    {H5T_INTEGER, 4, false, 4294967295},
                    {H5T_INTEGER, 8, false, 18446744073709551614.}};
    bool is_netcdf = hdf5_has_attribute(search->file, "/", "_NCProperties") ||
                     has(search, "_Netcdf4Dimid") || has(search, "_Netcdf4Coordinates") ||
                     has(search, "DIMENSION_LIST");
    /* Of a writer that sets no fill value the highest unsigned number may be meant. */
    bool filled = search->fill_status == H5D_FILL_VALUE_USER_DEFINED;
    if (!is_netcdf || has(search, "_FillValue") || (search->never_fills && !filled))
        return STATUS_OK;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (defaults[i].class == search->class && defaults[i].bytes == search->bytes &&
            (search->class == H5T_FLOAT || defaults[i].is_signed == search->is_signed) &&
            (filled || defaults[i].is_signed))
            return add_mark(search, defaults[i].fill, what);
    return STATUS_OK;
}

/* Numbers that stand for a missing value in some language, and hardly ever for themselves. */
static status find_marks_of_languages(struct search *search)
{
    bool is_signed = search->class == H5T_INTEGER && search->is_signed;
    if (is_signed && search->bytes == 1 && says(search, "storage.mode", "logical"))
        return add_mark(search, INT8_MIN, "how rhdf5 writes NA among logical values");
    if (is_signed && search->bytes == 4)
        return add_mark(search, INT32_MIN, "how R writes NA among 32-bit whole numbers");
    if (is_signed && search->bytes == 8)
        return add_mark(search, (double)INT64_MIN,
                        "how pandas and R write NaT and NA among 64-bit whole numbers");
    return STATUS_OK;
}

/* 0 and 1 may well be meant; a single byte is filled by netCDF with a number that it can hold. */
static status find_fill_value(struct search *search)
{
    bool may_be_meant = search->fill == 0 || search->fill == 1 ||
                        (search->bytes == 1 && (search->fill == -127 || search->fill == 255));
    if (search->fill_status != H5D_FILL_VALUE_USER_DEFINED || may_be_meant)
        return STATUS_OK;
    return add_mark(search, search->fill, "the fill value of the data set");
}

static status find_range(struct search *search)
{
    struct hdf5_meaning *meaning = search->meaning;
    double number[MOST_NUMBERS];
    size_t n = 0;
    bool is_float = false, any_float = false;
    status outcome = read_attribute(search, "valid_range", number, &n, &is_float);
    if (outcome == STATUS_OK && n == 2) {
        meaning->least = as_stored(search, number[0]);
        meaning->largest = as_stored(search, number[1]);
        any_float = is_float;
    }
    if (outcome == STATUS_OK)
        outcome = read_attribute(search, "valid_min", number, &n, &is_float);
    if (outcome == STATUS_OK && n == 1) {
        meaning->least = as_stored(search, number[0]);
        any_float = any_float || is_float;
    }
    if (outcome == STATUS_OK)
        outcome = read_attribute(search, "valid_max", number, &n, &is_float);
    if (outcome == STATUS_OK && n == 1) {
        meaning->largest = as_stored(search, number[0]);
        any_float = any_float || is_float;
    }
    /* By the users' guide of netCDF the type tells which numbers are meant. */
    meaning->range_is_unpacked = meaning->is_packed && search->class == H5T_INTEGER && any_float;
    return outcome;
}

/* Packing by other conventions than CF's, whose formulas differ. */
static status check_other_packing(const struct search *search)
{
    static const char *const factors[] = {
        "ScaleFactor", "Scale_factor", "Scale_Factor",   "SCALE_FACTOR",  "scaleFactor",
        "scalefactor", "SCALEFACTOR",  "scaling_factor", "ScalingFactor", "Slope",
        "slope",       "SLOPE",        "gain",           "Gain",          "GAIN",
        "scale",       "Scale",        "SCALE"};
    double number[MOST_NUMBERS];
    size_t n;
    bool is_float;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof factors / sizeof *factors && outcome == STATUS_OK; i++) {
        outcome = read_attribute(search, factors[i], number, &n, &is_float);
        size_t k = 0;
        while (outcome == STATUS_OK && k < n && number[k] == 1)
            k++;
        if (outcome == STATUS_OK && k < n)
            outcome = status_set(
                STATUS_USAGE,
                "%s, '%s': its attribute '%s' (%g) says that the numbers are packed, but not by "
                "which formula; unpack them, or name the attributes scale_factor and add_offset "
                "where number * scale_factor + add_offset is meant",
                search->file->path, search->name, factors[i], number[k]);
    }
    return outcome;
}

static status find_packing(struct search *search)
{
    struct hdf5_meaning *meaning = search->meaning;
    double number[MOST_NUMBERS];
    size_t n_scale = 0, n_offset = 0;
    bool is_float;
    status outcome = read_attribute(search, "scale_factor", number, &n_scale, &is_float);
    if (n_scale > 0)
        meaning->scale = number[0];
    if (outcome == STATUS_OK)
        outcome = read_attribute(search, "add_offset", number, &n_offset, &is_float);
    if (n_offset > 0)
        meaning->offset = number[0];
    if (outcome != STATUS_OK)
        return outcome;
    bool told = n_scale == has(search, "scale_factor") && n_offset == has(search, "add_offset");
    if (!told || !isfinite(meaning->scale) || !isfinite(meaning->offset) || meaning->scale == 0)
        return status_set(STATUS_USAGE,
                          "%s, '%s': its attributes scale_factor and add_offset, which say how the "
                          "numbers are packed, must be one number each, and not 0",
                          search->file->path, search->name);
    meaning->is_packed = meaning->scale != 1 || meaning->offset != 0;
    return n_scale + n_offset > 0 ? STATUS_OK : check_other_packing(search);
}

static bool is_word(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcasecmp(word, *words) == 0)
            return true;
    return false;
}

static const char *const words_for_missing[] = {"NA", "<NA>", "NaN", "N/A", NULL};
static const char *const words_for_boolean[] = {"FALSE", "TRUE", NULL};

/* FALSE 0, TRUE 1 and perhaps NA. */
static bool is_boolean(const struct hdf5_meaning *meaning)
{
    size_t n = 0;
    for (size_t i = 0; i < meaning->names.n; i++) {
        const char *name = meaning->names.item[i];
        if (is_word(name, words_for_missing))
            continue;
        if (!is_word(name, words_for_boolean) ||
            meaning->value[i] != (strcasecmp(name, "TRUE") == 0))
            return false;
        n++;
    }
    return n == 2;
}

static status find_enumeration(struct search *search, hid_t type)
{
    struct hdf5_meaning *meaning = search->meaning;
    int n = H5Tget_nmembers(type);
    union {
        int64_t number;
        unsigned char bytes[64];
    } value;
    status outcome = memory_alloc(&meaning->value, n > 0 ? (size_t)n : 1, sizeof *meaning->value,
                                  "an enumeration");
    for (int i = 0; i < n && outcome == STATUS_OK; i++) {
        hid_t base = H5Tget_super(type);
        char *name = H5Tget_member_name(type, (unsigned)i);
        memset(&value, 0, sizeof value);
        if (!name || H5Tget_size(type) > sizeof value ||
            H5Tget_member_value(type, (unsigned)i, &value) < 0 ||
            H5Tconvert(base, H5T_NATIVE_INT64, 1, &value, NULL, H5P_DEFAULT) < 0)
            outcome = hdf5_failure(search->file, search->name, NULL, "its enumeration is damaged");
        else
            outcome = string_list_add(&meaning->names, name);
        meaning->value[i] = value.number;
        H5free_memory(name);
        H5Tclose(base);
    }
    meaning->is_boolean = outcome == STATUS_OK && is_boolean(meaning);
    return outcome;
}

/* CF's way to say what an enumeration says: flag_values = 0, 1, 2 and flag_meanings = "a b c". */
static status find_flags(struct search *search)
{
    struct hdf5_meaning *meaning = search->meaning;
    double number[MOST_NUMBERS];
    size_t n = 0;
    bool is_float;
    char *text = NULL, *rest = NULL;
    if (search->class != H5T_INTEGER || !has(search, "flag_meanings"))
        return STATUS_OK;
    status outcome = read_attribute(search, "flag_values", number, &n, &is_float);
    if (outcome != STATUS_OK || n == 0)
        return outcome;
    outcome = hdf5_read_text(search->file, search->name, "flag_meanings", &text);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&meaning->value, n, sizeof *meaning->value, "flags");
    for (char *word = text ? strtok_r(text, " \t\n", &rest) : NULL;
         word && meaning->names.n < n && outcome == STATUS_OK;
         word = strtok_r(NULL, " \t\n", &rest)) {
        meaning->value[meaning->names.n] = (int64_t)number[meaning->names.n];
        outcome = string_list_add(&meaning->names, word);
    }
    memory_free(&text);
    return outcome;
}

/* The group above, in which Octave says that it wrote it; and the type that it names there. */
static status look_above(const struct search *search)
{
    char above[1024], *type = NULL;
    const char *slash = strrchr(search->name, '/');
    struct string_list words = {0};
    if (!slash || slash == search->name || strlen(search->name) + 6 > sizeof above)
        return STATUS_OK;
    snprintf(above, sizeof above, "%.*s", (int)(slash - search->name), search->name);
    if (!hdf5_has_attribute(search->file, above, "OCTAVE_NEW_FORMAT"))
        return STATUS_OK;
    if (hdf5_has_attribute(search->file, above, "OCTAVE_EMPTY_MATRIX"))
        return status_set(STATUS_USAGE, "%s, '%s': is an empty matrix of Octave",
                          search->file->path, search->name);
    search->meaning->on_side = true;
    strcat(above, "/type");
    status outcome = STATUS_OK;
    if (hdf5_exists(search->file, above))
        outcome = hdf5_read_strings(search->file, above, &words);
    type = words.n ? words.item[0] : "";
    if (outcome == STATUS_OK && strstr(type, "string"))
        outcome = status_set(STATUS_USAGE, "%s, '%s': holds text (Octave's type '%s'), no numbers",
                             search->file->path, search->name, type);
    string_list_release(&words);
    return outcome;
}

static status look_for_kind(struct search *search)
{
    const char *path = search->file->path, *name = search->name;
    if (says(search, "NAME", "This is a netCDF dimension but not a netCDF variable"))
        return status_set(STATUS_USAGE, "%s, '%s': is a dimension of netCDF, not a variable", path,
                          name);
    if (has(search, "MATLAB_empty"))
        return status_set(STATUS_USAGE, "%s, '%s': is an empty array of MATLAB", path, name);
    if (says(search, "MATLAB_class", "char"))
        return status_set(STATUS_USAGE,
                          "%s, '%s': holds text as MATLAB writes it, letters as numbers; save "
                          "labels as whole numbers, for example grp2idx(y)",
                          path, name);
    search->meaning->on_side = has(search, "MATLAB_class");
    return look_above(search);
}

static void find_type(struct search *search, hid_t dataset, hid_t type)
{
    hid_t creation = H5Dget_create_plist(dataset);
    search->class = H5Tget_class(type);
    search->bytes = H5Tget_size(type);
    search->is_signed = search->class == H5T_FLOAT ||
                        (search->class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2);
    search->fill_status = H5D_FILL_VALUE_DEFAULT;
    bool numeric = search->class == H5T_FLOAT || search->class == H5T_INTEGER;
    if (H5Pfill_value_defined(creation, &search->fill_status) < 0 || !numeric ||
        (search->fill_status == H5D_FILL_VALUE_USER_DEFINED &&
         H5Pget_fill_value(creation, H5T_NATIVE_DOUBLE, &search->fill) < 0))
        search->fill_status = H5D_FILL_VALUE_DEFAULT;
    H5D_fill_time_t when = H5D_FILL_TIME_IFSET;
    H5Pget_fill_time(creation, &when);
    search->never_fills = when == H5D_FILL_TIME_NEVER;
    H5Pclose(creation);
}

/* In this order: marks and ranges are of numbers that are unsigned already. */
static status find_all(struct search *search)
{
    static status (*const steps[])(struct search *) = {find_unsigned,
                                                       find_packing,
                                                       find_missing_attributes,
                                                       find_default_fill,
                                                       find_marks_of_languages,
                                                       find_fill_value,
                                                       find_range,
                                                       find_flags};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && outcome == STATUS_OK; i++)
        outcome = steps[i](search);
    return outcome;
}

status hdf5_meaning_find(struct hdf5_file *file, const char *name, struct hdf5_meaning *meaning)
{
    HDF5_LOCKED;
    struct search search = {.file = file, .name = name, .meaning = meaning};
    hid_t dataset = H5I_INVALID_HID;
    *meaning = (struct hdf5_meaning){.scale = 1, .least = -INFINITY, .largest = INFINITY};
    status outcome = hdf5_open_dataset(file, name, &dataset);
    if (outcome != STATUS_OK)
        return outcome;
    hid_t type = H5Dget_type(dataset);
    find_type(&search, dataset, type);
    outcome = look_for_kind(&search);
    if (outcome == STATUS_OK && search.class == H5T_ENUM)
        outcome = find_enumeration(&search, type);
    if (outcome == STATUS_OK && (search.class == H5T_INTEGER || search.class == H5T_FLOAT))
        outcome = find_all(&search);
    H5Tclose(type);
    meaning->plain = meaning->names.n == 0 && meaning->n_marks == 0 && meaning->wrap == 0 &&
                     !meaning->is_packed && isinf(meaning->least) && isinf(meaning->largest);
    return outcome;
}

void hdf5_meaning_release(struct hdf5_meaning *meaning)
{
    memory_free(&meaning->mark);
    memory_free(&meaning->value);
    string_list_release(&meaning->names);
    *meaning = (struct hdf5_meaning){.plain = true};
}
