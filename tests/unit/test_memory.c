/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"

#include "base/real.h"
#include "unit_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void arrays_are_aligned_padded_and_zero(void **state)
{
    (void)state;
    for (size_t count = 0; count < 100; count++) {
        unsigned char *bytes;
        assert_int_equal(memory_alloc(&bytes, count, 1, "bytes"), STATUS_OK);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % REAL_ALIGNMENT, 0);
        size_t padded = (count + REAL_ALIGNMENT - 1) / REAL_ALIGNMENT * REAL_ALIGNMENT;
        for (size_t i = 0; i < padded; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, padded); /* so that the next one is not zero by chance */
        memory_free(&bytes);
        assert_null(bytes);
        memory_free(&bytes);
    }
}

/* "hg" among the flags of /proc/self/smaps: the kernel knows the wish. */
static bool wants_large_pages(const void *place)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long long begin, end;
    bool inside = false, wants = false;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%llx-%llx ", &begin, &end) == 2)
            inside = begin <= (uintptr_t)place && (uintptr_t)place < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            wants = wants || strstr(line, " hg");
    }
    fclose(file);
    return wants;
}

static void large_arrays_ask_for_large_pages(void **state)
{
    (void)state;
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0) {
        print_message("this kernel has no large pages\n");
        skip();
    }
    const size_t large = (size_t)10 << 20;
    unsigned char *bytes;
    assert_int_equal(memory_alloc(&bytes, large, 1, "bytes"), STATUS_OK);
    assert_true(wants_large_pages(bytes) && wants_large_pages(bytes + large - (3 << 20)));
    for (size_t i = 0; i < large; i++)
        assert_int_equal(bytes[i], 0);
    memory_free(&bytes);
    assert_int_equal(memory_alloc(&bytes, (size_t)256 << 20, 1, "a table"), STATUS_OK);
    assert_false(wants_large_pages(bytes + large));
    memory_free(&bytes);
}

static void impossible_sizes_fail_and_name_the_array(void **state)
{
    (void)state;
    const size_t counts[] = {SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 8 + 1, SIZE_MAX / 16};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double *array = (double *)&array;
        assert_int_equal(memory_alloc(&array, counts[i], sizeof *array, "the posteriors"),
                         STATUS_FAILED);
        assert_null(array);
        assert_non_null(strstr(status_text(), "the posteriors"));
    }
}

static void growing_keeps_what_was_there(void **state)
{
    (void)state;
    int *array = NULL;
    assert_int_equal(memory_grow(&array, 0, 3, sizeof *array, "numbers"), STATUS_OK);
    for (int i = 0; i < 3; i++)
        array[i] = i + 10;
    assert_int_equal(memory_grow(&array, 3, 1000, sizeof *array, "numbers"), STATUS_OK);
    assert_int_equal((uintptr_t)array % REAL_ALIGNMENT, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(array[i], i + 10);
    assert_int_equal(memory_grow(&array, 1000, 2, sizeof *array, "numbers"), STATUS_OK);
    assert_int_equal(array[1], 11);
    /* A failure leaves the old array. */
    assert_int_equal(memory_grow(&array, 2, SIZE_MAX / 2, sizeof *array, "numbers"), STATUS_FAILED);
    assert_int_equal(array[1], 11);
    memory_free(&array);
}

static void strdup_copies(void **state)
{
    (void)state;
    char text[] = "vowel", *copy = memory_strdup(text);
    text[0] = 'V';
    assert_string_equal(copy, "vowel");
    memory_free(&copy);
    assert_null(memory_strdup(NULL));
}

static void available_memory_is_plausible(void **state)
{
    (void)state;
    size_t available = memory_available();
    assert_true(available > 1024 * 1024);
    assert_true(available < SIZE_MAX / 1024);
}

static void rows_are_padded_to_whole_lines(void **state)
{
    (void)state;
    assert_int_equal(REALS_PER_LINE * sizeof(real), 64);
    assert_int_equal(real_padded(0), 0);
    assert_int_equal(real_padded(1), REALS_PER_LINE);
    assert_int_equal(real_padded(REALS_PER_LINE), REALS_PER_LINE);
    assert_int_equal(real_padded(REALS_PER_LINE + 1), 2 * REALS_PER_LINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_aligned_padded_and_zero),
        cmocka_unit_test(large_arrays_ask_for_large_pages),
        cmocka_unit_test(impossible_sizes_fail_and_name_the_array),
        cmocka_unit_test(growing_keeps_what_was_there),
        cmocka_unit_test(strdup_copies),
        cmocka_unit_test(available_memory_is_plausible),
        cmocka_unit_test(rows_are_padded_to_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
