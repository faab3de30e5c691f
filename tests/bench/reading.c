/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast files are read, against read(2) of the same bytes in the same process with a warm page
 * cache:
 *
 *     build/tests/bench_reading [FOLDER [MEBIBYTES]]
 *
 * Columns: read(2) in GB/s, into one buffer of 1 MiB and into memory for all of it. As shares of
 * the first: HDF5's own H5Dread in the file's own type, hdf5_read_stored (the numbers as they lie),
 * source_read (as doubles, checked to be finite). As a share of the second: dataset_fill (scaled
 * samples in memory). The same two once more from the disk. Last CSV, in MB/s. Best of five rounds;
 * a round measures all of a line one after the other.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/csv/csv.h"
#include "data/formats/formats.h"
#include "data/hdf5/hdf5_file.h"
#include "data/samples/dataset.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 5, COLUMNS = 64, BUFFER = 1 << 20, ROWS_PER_BLOCK = 1024 };

static void check(status outcome)
{
    if (outcome == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", status_text());
    exit(1);
}

static void fill_random(void *data, size_t n, enum hdf5_number number)
{
    struct rng rng;
    rng_init(&rng, 1, RNG_START, 0, 0);
    for (size_t i = 0; i < n; i++) {
        double value = rng_uniform(&rng);
        if (number == HDF5_F32)
            ((float *)data)[i] = (float)value;
        else if (number == HDF5_F64)
            ((double *)data)[i] = value;
        else
            ((unsigned char *)data)[i] = (unsigned char)(256 * value);
    }
}

struct layout {
    const char *name;
    hsize_t chunk_rows; /* 0: contiguous */
    bool has_checksums;
};

static hid_t type_of(enum hdf5_number number)
{
    return number == HDF5_F32   ? H5T_NATIVE_FLOAT
           : number == HDF5_F64 ? H5T_NATIVE_DOUBLE
                                : H5T_NATIVE_UINT8;
}

static void make_file(const char *path, enum hdf5_number number, const struct layout *layout,
                      size_t rows)
{
    unsigned char *data = NULL;
    hsize_t dims[2] = {rows, COLUMNS}, chunk[2] = {layout->chunk_rows, COLUMNS};
    check(memory_alloc(&data, rows * COLUMNS, hdf5_number_size(number), "random numbers"));
    fill_random(data, rows * COLUMNS, number);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dims, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    if (layout->chunk_rows)
        H5Pset_chunk(creation, 2, chunk);
    if (layout->has_checksums)
        H5Pset_fletcher32(creation);
    hid_t x = H5Dcreate2(file, "x", type_of(number), space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (H5Dwrite(x, type_of(number), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        exit(1);
    H5Dclose(x);
    hid_t column = H5Screate_simple(1, dims, NULL);
    hid_t y =
        H5Dcreate2(file, "y", H5T_NATIVE_FLOAT, column, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    memset(data, 0, rows * COLUMNS * hdf5_number_size(number));
    if (H5Dwrite(y, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        exit(1);
    H5Dclose(y);
    H5Sclose(column);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    memory_free(&data);
}

/* Into a buffer of BUFFER bytes again and again; or, if `whole`, into one of all bytes. */
static double time_plain(const char *path, size_t bytes, unsigned char *buffer, bool whole)
{
    int file = open(path, O_RDONLY);
    double start = clock_seconds();
    for (size_t done = 0; done < bytes;) {
        ssize_t part = read(file, buffer + (whole ? done : 0), BUFFER);
        if (part <= 0)
            exit(1);
        done += (size_t)part;
    }
    double seconds = clock_seconds() - start;
    close(file);
    return seconds;
}

static double time_library(const char *path, enum hdf5_number number, size_t rows,
                           unsigned char *buffer)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t x = H5Dopen2(file, "x", H5P_DEFAULT), space = H5Dget_space(x);
    hsize_t block = BUFFER / COLUMNS / hdf5_number_size(number), count[2] = {block, COLUMNS};
    double start = clock_seconds();
    for (hsize_t first = 0; first < rows; first += block) {
        hsize_t begin[2] = {first, 0};
        count[0] = rows - first < block ? rows - first : block;
        hid_t memory = H5Screate_simple(2, count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, NULL, count, NULL);
        if (H5Dread(x, type_of(number), memory, space, H5P_DEFAULT, buffer) < 0)
            exit(1);
        H5Sclose(memory);
    }
    double seconds = clock_seconds() - start;
    H5Sclose(space);
    H5Dclose(x);
    H5Fclose(file);
    return seconds;
}

static double time_stored(const char *path, enum hdf5_number number, size_t rows,
                          unsigned char *buffer)
{
    struct hdf5_file *file = NULL;
    enum hdf5_number found;
    check(hdf5_open(path, &file));
    check(hdf5_stored(file, "x", &found));
    if (found != number)
        exit(1);
    size_t block = BUFFER / COLUMNS / hdf5_number_size(number);
    double start = clock_seconds();
    for (size_t first = 0; first < rows; first += block)
        check(hdf5_read_stored(file, "x", first, rows - first < block ? rows - first : block,
                               buffer));
    double seconds = clock_seconds() - start;
    check(hdf5_close(&file));
    return seconds;
}

static double time_source(const char *path, size_t rows)
{
    struct source *source = NULL;
    struct source_request request = {.path = path, .target_kind = TARGETS_NUMBERS};
    double *x = NULL;
    check(source_open(&request, &source));
    check(memory_alloc(&x, ROWS_PER_BLOCK * COLUMNS, sizeof *x, "a block"));
    double start = clock_seconds();
    for (size_t first = 0; first < rows; first += ROWS_PER_BLOCK)
        check(source_read(source, first,
                          rows - first < ROWS_PER_BLOCK ? rows - first : ROWS_PER_BLOCK, x, NULL));
    double seconds = clock_seconds() - start;
    memory_free(&x);
    source_close(&source);
    return seconds;
}

/* Into memory that has been touched: the kernel's zeroing of new pages is no part of reading. */
static double time_dataset(const char *path, size_t rows)
{
    struct source *source = NULL;
    struct source_request request = {.path = path, .target_kind = TARGETS_NUMBERS};
    struct dataset dataset;
    struct scaler scaler;
    unsigned char *block = NULL;
    check(source_open(&request, &source));
    struct dataset_shape shape = {.n = rows, .n_inputs = COLUMNS, .n_targets = 1};
    check(scaler_init(&scaler, COLUMNS, 1));
    check(memory_alloc(&block, dataset_bytes(&shape), 1, "samples"));
    dataset_map(&dataset, &shape, block);
    double start = clock_seconds();
    check(dataset_fill(&dataset, source, &scaler, NULL, 0));
    double seconds = clock_seconds() - start;
    memory_free(&block);
    scaler_release(&scaler);
    source_close(&source);
    return seconds;
}

/* Out of the page cache, so that the next reading is from the disk. */
static void forget(const char *path)
{
    int file = open(path, O_RDONLY);
    if (fsync(file) != 0 || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)
        exit(1);
    close(file);
}

static void least(double *best, double seconds)
{
    if (*best == 0 || seconds < *best)
        *best = seconds;
}

static void measure_hdf5(const char *path, enum hdf5_number number, const struct layout *layout,
                         size_t mebibytes)
{
    size_t rows = (mebibytes << 20) / COLUMNS / hdf5_number_size(number);
    size_t bytes = rows * COLUMNS * hdf5_number_size(number);
    double best[8] = {0};
    unsigned char *buffer = NULL;
    check(memory_alloc(&buffer, bytes + BUFFER, 1, "a buffer"));
    make_file(path, number, layout, rows);
    for (int round = 0; round < ROUNDS; round++) {
        least(&best[0], time_plain(path, bytes, buffer, false));
        least(&best[1], time_library(path, number, rows, buffer));
        least(&best[2], time_stored(path, number, rows, buffer));
        least(&best[3], time_source(path, rows));
        least(&best[4], time_dataset(path, rows));
        least(&best[5], time_plain(path, bytes, buffer, true));
        forget(path);
        least(&best[6], time_plain(path, bytes, buffer, true));
        forget(path);
        least(&best[7], time_dataset(path, rows));
    }
    unlink(path);
    memory_free(&buffer);
    printf("%-8s %-22s %6.1f %6.1f %8.0f %% %8.0f %% %8.0f %% %8.0f %% %6.1f %8.0f %%\n",
           number == HDF5_F32   ? "float32"
           : number == HDF5_F64 ? "float64"
                                : "uint8",
           layout->name, (double)bytes / best[0] / 1e9, (double)bytes / best[5] / 1e9,
           100 * best[0] / best[1], 100 * best[0] / best[2], 100 * best[0] / best[3],
           100 * best[5] / best[4], (double)bytes / best[6] / 1e9, 100 * best[6] / best[7]);
}

static void measure_csv(const char *path, const char *format, const char *what, size_t mebibytes)
{
    struct rng rng;
    rng_init(&rng, 2, RNG_START, 0, 0);
    FILE *file = fopen(path, "w");
    for (int c = 0; c < 16; c++)
        fprintf(file, "%sc%d", c ? "," : "", c);
    while (ftell(file) < (long)(mebibytes << 20)) {
        fputc('\n', file);
        for (int c = 0; c < 16; c++) {
            if (c)
                fputc(',', file);
            fprintf(file, format, 2000 * rng_uniform(&rng) - 1000);
        }
    }
    double megabytes = (double)ftell(file) / 1e6, best = 0;
    fclose(file);
    for (int round = 0; round < ROUNDS; round++) {
        struct csv_table table;
        double start = clock_seconds();
        check(csv_read(path, &table));
        least(&best, clock_seconds() - start);
        csv_release(&table);
    }
    unlink(path);
    printf("CSV, %-26s %8.0f MB/s\n", what, megabytes / best);
}

int main(int argc, char **argv)
{
    static const struct layout layouts[] = {{"contiguous", 0, false},
                                            {"chunks of 1024 rows", 1024, false},
                                            {"the same, Fletcher-32", 1024, true}};
    static const enum hdf5_number numbers[] = {HDF5_F32, HDF5_F64, HDF5_U8};
    size_t mebibytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 256;
    char path[4096];
    snprintf(path, sizeof path, "%s/coterie-reading-%d", argc > 1 ? argv[1] : "/tmp",
             (int)getpid());
    printf("%zu MiB, %d columns, read(2) GB/s: buffer memory H5Dread stored source samples "
           "disk samples\n",
           mebibytes, COLUMNS);
    for (size_t i = 0; i < 3; i++)
        for (size_t l = 0; l < 3; l++)
            measure_hdf5(path, numbers[i], &layouts[l], mebibytes);
    measure_csv(path, "%.17g", "17 digits", mebibytes / 4);
    measure_csv(path, "%.6f", "6 decimals", mebibytes / 4);
    measure_csv(path, "%.3f", "3 decimals", mebibytes / 4);
    measure_csv(path, "%.0f", "whole numbers", mebibytes / 4);
    return 0;
}
