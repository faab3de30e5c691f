/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV files: the table as it is, and as samples for training. */
#include "fuzz.h"

#include "base/memory.h"
#include "data/csv/csv.h"
#include "data/formats/formats.h"

static void read_samples(const char *path)
{
    struct source_request request = {.path = path};
    struct source *source = NULL;
    uint64_t fingerprint;
    if (source_open(&request, &source) != STATUS_OK)
        return;
    const struct source_info *info = source_info(source);
    double *x, *y;
    if (memory_alloc(&x, info->n * info->n_inputs, sizeof *x, "x") != STATUS_OK ||
        memory_alloc(&y, info->n * (info->n_targets + 1), sizeof *y, "y") != STATUS_OK)
        abort();
    source_read(source, 0, info->n, x, info->n_targets > 0 ? y : NULL);
    source_fingerprint(source, &fingerprint);
    memory_free(&x);
    memory_free(&y);
    source_close(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    struct csv_table table = {0};
    if (csv_read(path, &table) == STATUS_OK) {
        const size_t columns[] = {0, table.names.n - 1};
        csv_need_numbers(&table, 0);
        csv_need_values(&table, columns, 2);
    }
    csv_release(&table);
    read_samples(path);
    return 0;
}
