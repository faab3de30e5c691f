/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "base/rng.h"
#include "data/formats/formats.h"
#include "data/hdf5/hdf5_file.h"
#include "data/samples/dataset.h"

#include "data_fixture.h"

#include <float.h>
#include <math.h>

static struct source *source_of(const char *text, const char *targets, const char *weight)
{
    struct source *source;
    fixture_write("data.csv", text);
    struct source_request request = {
        .path = fixture_path("data.csv"), .targets = targets, .weight = weight};
    assert_ok(source_open(&request, &source));
    return source;
}

static void *block_for(const struct dataset_shape *shape)
{
    void *block;
    size_t bytes = dataset_bytes(shape);
    assert_true(bytes > 0 && bytes % 64 == 0);
    assert_ok(memory_alloc(&block, bytes, 1, "a test"));
    return block;
}

static void arrays_lie_apart_in_the_block(void **state)
{
    (void)state;
    const struct dataset_shape shape = {
        .n = 5, .n_inputs = 3, .n_targets = 2, .has_labels = true, .has_weights = true};
    unsigned char *block = block_for(&shape);
    struct dataset dataset;
    dataset_map(&dataset, &shape, block);
    const struct {
        void *at;
        size_t bytes;
    } arrays[4] = {{dataset.x, 15 * sizeof(real)},
                   {dataset.y, 10 * sizeof(real)},
                   {dataset.label, 5 * sizeof(int32_t)},
                   {dataset.weight, 5 * sizeof(real)}};
    for (int i = 0; i < 4; i++) {
        unsigned char *begin = arrays[i].at;
        assert_int_equal((uintptr_t)begin % 64, 0);
        assert_true(begin >= block && begin + arrays[i].bytes <= block + dataset_bytes(&shape));
        for (int k = 0; k < i; k++)
            assert_true(begin >= (unsigned char *)arrays[k].at + arrays[k].bytes);
    }
    memory_free(&block);
}

static void absent_arrays_are_null(void **state)
{
    (void)state;
    const struct dataset_shape shape = {.n = 5, .n_inputs = 3};
    void *block = block_for(&shape);
    struct dataset dataset;
    dataset_map(&dataset, &shape, block);
    assert_non_null(dataset.x);
    assert_null(dataset.y);
    assert_null(dataset.label);
    assert_null(dataset.weight);
    memory_free(&block);
}

static void sizes_beyond_memory(void **state)
{
    (void)state;
    struct dataset_shape shape = {.n = 3000000000u, .n_inputs = 1};
    assert_true(dataset_bytes(&shape) >= 3000000000u * sizeof(real));
    shape.n_inputs = SIZE_MAX / 2;
    assert_int_equal(dataset_bytes(&shape), 0);
    shape.n = SIZE_MAX / sizeof(real);
    shape.n_inputs = 1;
    shape.n_targets = 1;
    assert_int_equal(dataset_bytes(&shape), 0);
}

static void filled_with_scaled_numbers(void **state)
{
    (void)state;
    struct source *source =
        source_of("a,b,w,y\n1,10,0.5,100\n2,20,1,200\n3,30,1.5,300\n4,40,2,400\n", NULL, "w");
    const struct dataset_shape shape = {.n = 2, .n_inputs = 2, .n_targets = 1, .has_weights = true};
    const uint64_t rows[2] = {1, 3};
    struct scaler scaler;
    struct dataset dataset;
    assert_ok(scaler_init(&scaler, 2, 1));
    scaler.x_mean[1] = 10;
    scaler.x_scale[1] = 4;
    scaler.y_mean[0] = 100;
    scaler.y_scale[0] = -50;
    void *block = block_for(&shape);
    dataset_map(&dataset, &shape, block);
    assert_ok(dataset_fill(&dataset, source, &scaler, rows, 0));
    const real x[4] = {2, (real)2.5, 4, (real)7.5}, y[2] = {-2, -6}, weight[2] = {1, 2};
    assert_memory_equal(dataset.x, x, sizeof x);
    assert_memory_equal(dataset.y, y, sizeof y);
    assert_memory_equal(dataset.weight, weight, sizeof weight);
    memory_free(&block);
    scaler_release(&scaler);
    source_close(&source);
}

/* Enough samples for several blocks of the reader, with gaps between the chosen ones. */
static void many_samples_with_labels(void **state)
{
    (void)state;
    enum { ROWS = 300000, CHOSEN = ROWS / 3 };
    FILE *file = fopen(fixture_path("many.csv"), "w");
    assert_non_null(file);
    fputs("x,y\n", file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "%d,%s\n", i, i % 2 ? "odd" : "even");
    assert_int_equal(fclose(file), 0);
    struct source *source;
    struct source_request request = {.path = fixture_path("many.csv")};
    assert_ok(source_open(&request, &source));
    const struct dataset_shape shape = {.n = CHOSEN, .n_inputs = 1, .has_labels = true};
    struct scaler scaler;
    struct dataset dataset;
    uint64_t *rows;
    assert_ok(memory_alloc(&rows, CHOSEN, sizeof *rows, "a test"));
    for (uint64_t i = 0; i < CHOSEN; i++)
        rows[i] = 3 * i + 2;
    assert_ok(scaler_init(&scaler, 1, 0));
    void *block = block_for(&shape);
    dataset_map(&dataset, &shape, block);
    assert_ok(dataset_fill(&dataset, source, &scaler, rows, 0));
    for (uint64_t i = 0; i < CHOSEN; i++)
        if (dataset.x[i] != (real)rows[i] || dataset.label[i] != (int32_t)(rows[i] % 2))
            fail_msg("sample %d", (int)i);
    /* A share of the chosen samples, and one of all: a third of them, which need not be the first.
     */
    const struct dataset_shape third = {.n = CHOSEN / 3, .n_inputs = 1, .has_labels = true};
    dataset_map(&dataset, &third, block);
    for (int list = 0; list < 2; list++) {
        const size_t first = CHOSEN / 2 + 1;
        assert_ok(dataset_fill(&dataset, source, &scaler, list ? rows : NULL, first));
        for (size_t i = 0; i < third.n; i++) {
            const size_t row = list ? (size_t)rows[first + i] : first + i;
            if (dataset.x[i] != (real)row || dataset.label[i] != (int32_t)(row % 2))
                fail_msg("sample %d of a share, %s", (int)i, list ? "chosen" : "all");
        }
    }
    memory_free(&block);
    memory_free(&rows);
    scaler_release(&scaler);
    source_close(&source);
}

/* As many as are read without the library, from a file of the program's own precision. */
static void scaled_numbers_are_the_quotients_but_for_rounding(void **state)
{
    (void)state;
    enum { ROWS = 40000, COLUMNS = 7, CHOSEN = 3 * ROWS / 4 };
    const double unit = sizeof(real) == sizeof(double) ? DBL_EPSILON : (double)FLT_EPSILON;
    struct hdf5_file *file;
    struct rng rng;
    real *x;
    assert_ok(memory_alloc(&x, ROWS * COLUMNS, sizeof *x, "a test"));
    rng_init(&rng, 4, RNG_START, 0, 0);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        x[i] = (real)exp(40 * rng_uniform(&rng) - 20) * (i % 2 ? 1 : -1);
    assert_ok(hdf5_create(fixture_path("scaled.h5"), &file));
    assert_ok(hdf5_create_dataset(file, "x", HDF5_AS_REAL, 2, (uint64_t[2]){ROWS, COLUMNS}, 1000));
    assert_ok(hdf5_write_rows(file, "x", 0, ROWS, HDF5_AS_REAL, x));
    assert_ok(hdf5_close(&file));

    struct source *source;
    struct source_request request = {.path = fixture_path("scaled.h5"),
                                     .target_kind = TARGETS_NONE};
    assert_ok(source_open(&request, &source));
    const struct dataset_shape shape = {.n = CHOSEN, .n_inputs = COLUMNS};
    struct scaler scaler;
    struct dataset dataset;
    uint64_t *rows;
    assert_ok(memory_alloc(&rows, CHOSEN, sizeof *rows, "a test"));
    for (uint64_t i = 0; i < CHOSEN; i++)
        rows[i] = i / 3 * 4 + i % 3;
    assert_ok(scaler_init(&scaler, COLUMNS, 0));
    for (size_t c = 0; c < COLUMNS; c++) {
        scaler.x_mean[c] = rng_uniform(&rng);
        scaler.x_scale[c] = 3 * rng_uniform(&rng) - 1.7;
    }
    void *block = block_for(&shape);
    dataset_map(&dataset, &shape, block);
    assert_ok(dataset_fill(&dataset, source, &scaler, rows, 0));
    for (size_t i = 0; i < CHOSEN * COLUMNS; i++) {
        size_t c = i % COLUMNS;
        double number = (double)x[rows[i / COLUMNS] * COLUMNS + c];
        double quotient = (number - scaler.x_mean[c]) / scaler.x_scale[c];
        if (fabs((double)dataset.x[i] - quotient) > 2 * unit * fabs(quotient))
            fail_msg("number %zu", i);
    }
    memory_free(&block);
    memory_free(&rows);
    memory_free(&x);
    scaler_release(&scaler);
    source_close(&source);
}

static void numbers_that_do_not_fit(void **state)
{
    (void)state;
    struct source *source = source_of("a,y\n1,1\n1e300,2\n", NULL, NULL);
    const struct dataset_shape shape = {.n = 2, .n_inputs = 1, .n_targets = 1};
    const uint64_t rows[2] = {0, 1};
    struct scaler scaler;
    struct dataset dataset;
    assert_ok(scaler_init(&scaler, 1, 1));
    void *block = block_for(&shape);
    dataset_map(&dataset, &shape, block);
    if (sizeof(real) == sizeof(float))
        assert_usage(dataset_fill(&dataset, source, &scaler, rows, 0), "column 'a'", "row 1",
                     "1e+300", "coterie_d");
    else
        assert_ok(dataset_fill(&dataset, source, &scaler, rows, 0));
    scaler.x_scale[0] = 1e-300;
    assert_usage(dataset_fill(&dataset, source, &scaler, rows, 0), "column 'a'", "row", "--scale");
    memory_free(&block);
    scaler_release(&scaler);
    source_close(&source);
}

static void weights_of_the_chosen_samples(void **state)
{
    (void)state;
    struct source *source = source_of("a,w,y\n1,0,1\n2,1,2\n3,0,3\n", NULL, "w");
    const struct dataset_shape shape = {.n = 2, .n_inputs = 1, .n_targets = 1, .has_weights = true};
    const uint64_t rows[2] = {0, 2};
    struct scaler scaler;
    struct dataset dataset;
    assert_ok(scaler_init(&scaler, 1, 1));
    void *block = block_for(&shape);
    dataset_map(&dataset, &shape, block);
    assert_usage(dataset_fill(&dataset, source, &scaler, rows, 0), "weights", "2 samples");
    memory_free(&block);
    scaler_release(&scaler);
    source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_lie_apart_in_the_block),
        cmocka_unit_test(absent_arrays_are_null),
        cmocka_unit_test(sizes_beyond_memory),
        cmocka_unit_test(filled_with_scaled_numbers),
        cmocka_unit_test(many_samples_with_labels),
        cmocka_unit_test(scaled_numbers_are_the_quotients_but_for_rounding),
        cmocka_unit_test(numbers_that_do_not_fit),
        cmocka_unit_test(weights_of_the_chosen_samples),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
