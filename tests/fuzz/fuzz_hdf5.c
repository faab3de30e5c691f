/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 files of samples. */
#include "fuzz.h"

#include "base/memory.h"
#include "data/formats/formats.h"

enum { MOST = 1 << 22 }; /* numbers that are read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    struct source_request request = {.path = path};
    struct source *source = NULL;
    if (!fuzz_survives(path) || source_open(&request, &source) != STATUS_OK)
        return 0;
    const struct source_info *info = source_info(source);
    double *x = NULL, *y = NULL;
    uint64_t fingerprint;
    if (info->n < MOST / info->n_inputs && info->n < MOST / (info->n_targets + 1)) {
        if (memory_alloc(&x, info->n * info->n_inputs, sizeof *x, "x") != STATUS_OK ||
            memory_alloc(&y, info->n * (info->n_targets + 1), sizeof *y, "y") != STATUS_OK)
            abort();
        source_read(source, 0, info->n, x, info->n_targets > 0 ? y : NULL);
        source_fingerprint(source, &fingerprint);
    }
    memory_free(&x);
    memory_free(&y);
    source_close(&source);
    return 0;
}
