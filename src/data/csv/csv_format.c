/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv_format.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SAVE_AS_CSV "; save it as a CSV file"

/* What files of other kinds begin with, and what to do about them. */
static const struct {
    const char *bytes;
    size_t length, offset;
    const char *kind, *advice;
} formats[] = {
    {"\x1F\x8B", 2, 0, "compressed by gzip", "; unpack it first: gunzip -k FILE"},
    {"1AY&SY", 6, 4, "compressed by bzip2", "; unpack it first: bunzip2 -k FILE"},
    {"\xFD"
     "7zXZ",
     5, 0, "compressed by xz", "; unpack it first: unxz -k FILE"},
    {"\x28\xB5\x2F\xFD", 4, 0, "compressed by zstd", "; unpack it first: unzstd FILE"},
    {"\x04\x22\x4D\x18", 4, 0, "compressed by lz4", "; unpack it first: unlz4 FILE"},
    {"\x1F\x9D", 2, 0, "compressed by compress", "; unpack it first: uncompress FILE"},
    {"7z\xBC\xAF\x27\x1C", 6, 0, "a 7z archive", "; unpack it first: 7z x FILE"},
    {"Rar!\x1A\x07", 6, 0, "a rar archive", "; unpack it first: unrar x FILE"},
    {"ustar", 5, 257, "a tar archive", "; unpack it first: tar xf FILE"},
    {"PAR1\x15", 5, 0, "a Parquet file",
     SAVE_AS_CSV " (pandas: read_parquet, to_csv(index=False))"},
    {"FEA1\0", 5, 0, "a Feather file", SAVE_AS_CSV " (pandas: read_feather, to_csv(index=False))"},
    {"ARROW1\0", 7, 0, "a Feather (Arrow) file",
     SAVE_AS_CSV " (pandas: read_feather, to_csv(index=False))"},
    {"Obj\x01", 4, 0, "an Avro file", SAVE_AS_CSV},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8, 0, "an old Excel workbook (xls) or another Office file",
     SAVE_AS_CSV " in the spreadsheet program"},
    {"CDF\x01", 4, 0, "a netCDF file of the classic format",
     "; make it HDF5 (nccopy -k nc4 FILE new.nc), and rename it to end in .h5"},
    {"CDF\x02", 4, 0, "a netCDF file of the classic format",
     "; make it HDF5 (nccopy -k nc4 FILE new.nc), and rename it to end in .h5"},
    {"CDF\x05", 4, 0, "a netCDF file of the classic format",
     "; make it HDF5 (nccopy -k nc4 FILE new.nc), and rename it to end in .h5"},
    {"\x0E\x03\x13\x01", 4, 0, "an HDF4 file", "; make it HDF5 with h4toh5"},
    {"$FL2", 4, 0, "an SPSS file (sav)", SAVE_AS_CSV " (pandas: read_spss; R: haven::read_sav)"},
    {"$FL3", 4, 0, "an SPSS file (zsav)", SAVE_AS_CSV " (pandas: read_spss; R: haven::read_sav)"},
    {"<stata_dta>", 11, 0, "a Stata file",
     SAVE_AS_CSV " (pandas: read_stata, to_csv(index=False))"},
    {"HEADER RECORD*******", 20, 0, "a SAS transport file", SAVE_AS_CSV " (pandas: read_sas)"},
    {"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xC2\xEA\x81\x60", 16, 0, "a SAS file",
     SAVE_AS_CSV " (pandas: read_sas)"},
    {"RDX2\n", 5, 0, "an R workspace (RData)", SAVE_AS_CSV " (R: load, write.csv)"},
    {"RDX3\n", 5, 0, "an R workspace (RData)", SAVE_AS_CSV " (R: load, write.csv)"},
    {"X\n\0\0\0", 5, 0, "an R object (RDS)", SAVE_AS_CSV " (R: readRDS, write.csv)"},
    {"MATLAB 5.0 MAT-file", 19, 0, "a MATLAB file of version 5 to 7",
     "; save it with -v7.3, which is HDF5, or as a CSV file"},
    {"# Created by Octave", 19, 0, "an Octave file", "; save it with -hdf5 or as a CSV file"},
    {"SQLite format 3", 15, 0, "an SQLite database", SAVE_AS_CSV " (sqlite3 -header -csv)"},
    {"\x89PNG", 4, 0, "a picture (PNG)", "; a table of numbers is needed"},
    {"%PDF", 4, 0, "a PDF document", "; a table of numbers is needed"},
    {"{\\rtf", 5, 0, "a document (RTF)", "; a table of numbers is needed"},
    {"<?xml", 5, 0, "an XML file", SAVE_AS_CSV},
    {"<!DOCTYPE html", 14, 0, "a web page (HTML)", "; download the file itself"},
    {"<!doctype html", 14, 0, "a web page (HTML)", "; download the file itself"},
    {"<html", 5, 0, "a web page (HTML)", "; download the file itself"},
    {"@relation", 9, 0, "a Weka file (ARFF)", SAVE_AS_CSV},
    {"@RELATION", 9, 0, "a Weka file (ARFF)", SAVE_AS_CSV},
    {"%%MatrixMarket", 14, 0, "a Matrix Market file", SAVE_AS_CSV " (scipy.io.mmread)"},
    {"SIMPLE  =", 9, 0, "a FITS file", SAVE_AS_CSV " (astropy.table.Table.read)"},
    {"GRIB", 4, 0, "a GRIB file", "; make it netCDF-4, and rename it to end in .h5"},
    {"ORC", 3, 0, "an ORC file", SAVE_AS_CSV " (pandas: read_orc, to_csv(index=False))"},
    {"\x80\x02", 2, 0, "a pickle of Python", SAVE_AS_CSV " (pandas: read_pickle, to_csv)"},
    {"\x80\x03", 2, 0, "a pickle of Python", SAVE_AS_CSV " (pandas: read_pickle, to_csv)"},
    {"\x80\x04\x95", 3, 0, "a pickle of Python", SAVE_AS_CSV " (pandas: read_pickle, to_csv)"},
    {"\x80\x05\x95", 3, 0, "a pickle of Python", SAVE_AS_CSV " (pandas: read_pickle, to_csv)"},
    {"version https://git-lfs", 23, 0, "a placeholder of Git LFS",
     "; fetch the file: git lfs pull"},
};

static bool holds(const char *block, size_t length, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= length; i++)
        if (memcmp(block + i, text, n) == 0)
            return true;
    return false;
}

/* The names of the files in an archive are in the clear: they tell a workbook from arrays. */
static status refuse_zip(const char *path, const char *block, size_t length)
{
    bool workbook = holds(block, length, "xl/") ||
                    (holds(block, length, "[Content_Types].xml") && !holds(block, length, "word/"));
    bool sheet = holds(block, length, "opendocument.spreadsheet");
    const char *kind = workbook                       ? "an Excel workbook (xlsx)"
                       : sheet                        ? "a spreadsheet (ods)"
                       : holds(block, length, ".npy") ? "NumPy arrays (npz)"
                                                      : "a zip archive";
    const char *advice = workbook || sheet ? "; save the sheet as a CSV file"
                         : holds(block, length, ".npy")
                             ? "; write them as HDF5 (h5py: file['x'] = ...) or CSV"
                             : "; unpack it first: unzip FILE";
    return status_set(STATUS_USAGE, "%s: is %s, no text table%s", path, kind, advice);
}

/* A Stata file before version 13: its release, byte order, file type 1 and an unused 0. */
static bool is_old_stata(const unsigned char *byte, size_t length)
{
    return length > 100 && byte[0] >= 0x69 && byte[0] <= 0x73 && (byte[1] == 1 || byte[1] == 2) &&
           byte[2] == 1 && byte[3] == 0;
}

/* R compresses what it saves. */
static bool is_of_r(const char *path)
{
    static const char *const endings[] = {".rds", ".rdata", ".rda"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* { or [ and then a name in quotes, or one of these again. */
static bool is_json(const char *block, size_t length)
{
    size_t at = 0;
    if (length == 0 || (block[0] != '{' && block[0] != '['))
        return false;
    do
        at++;
    while (at < length && strchr(" \t\r\n", block[at]));
    return at < length && (block[at] == '"' || block[at] == '{' || (block[at] == '[' && at == 1));
}

/* A label, and then pairs 3:0.5 of a column and its value. */
static bool is_libsvm(const char *block, size_t length)
{
    char line[128];
    double label, value;
    int column, end = 0;
    size_t n = length < sizeof line - 1 ? length : sizeof line - 1;
    memcpy(line, block, n);
    line[n] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return !strchr(line, ',') && sscanf(line, "%lf %d:%lf%n", &label, &column, &value, &end) == 3 &&
           (line[end] == '\0' || line[end] == ' ');
}

static status refuse_utf16(const char *path)
{
    return status_set(STATUS_USAGE,
                      "%s: is UTF-16 text; save it as UTF-8 (iconv -f utf-16 -t utf-8)", path);
}

status csv_format_check(const char *path, const char *block, size_t length)
{
    const unsigned char *byte = (const unsigned char *)block;
    if (length >= 2 && (memcmp(block, "\xFF\xFE", 2) == 0 || memcmp(block, "\xFE\xFF", 2) == 0))
        return refuse_utf16(path);
    if (length >= 4 && memcmp(block, "PK\x03\x04", 4) == 0)
        return refuse_zip(path, block, length);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (length >= formats[i].offset + formats[i].length &&
            memcmp(block + formats[i].offset, formats[i].bytes, formats[i].length) == 0)
            return is_of_r(path) ? status_set(STATUS_USAGE,
                                              "%s: is a file of R, no text table" SAVE_AS_CSV
                                              " (R: readRDS or load, write.csv)",
                                              path)
                                 : status_set(STATUS_USAGE, "%s: is %s, no text table%s", path,
                                              formats[i].kind, formats[i].advice);
    if (is_old_stata(byte, length))
        return status_set(STATUS_USAGE, "%s: is a Stata file, no text table%s", path,
                          SAVE_AS_CSV " (pandas: read_stata, to_csv(index=False))");
    if (is_json(block, length))
        return status_set(STATUS_USAGE, "%s: is a JSON file, no text table%s", path,
                          SAVE_AS_CSV " (pandas: read_json, to_csv(index=False))");
    if (is_libsvm(block, length))
        return status_set(STATUS_USAGE, "%s: is a LIBSVM file, no text table%s", path,
                          SAVE_AS_CSV " or as HDF5 (scikit-learn: load_svmlight_file)");
    /* UTF-16 without a mark: every other byte of plain letters is 0. */
    if (length >= 4 && ((byte[0] && !byte[1] && byte[2] && !byte[3]) ||
                        (!byte[0] && byte[1] && !byte[2] && byte[3])))
        return refuse_utf16(path);
    return STATUS_OK;
}
