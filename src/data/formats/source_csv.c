/* SPDX-License-Identifier: BSD-3-Clause */
/* Text tables: whatever no other format recognises, so that their reader says what is wrong. */
#include "formats_internal.h"

static bool recognises(const char *path)
{
    (void)path;
    return true;
}

static status open_csv(const struct source_request *request, struct source *source)
{
    struct csv_table table;
    status outcome = csv_read(request->path, &table);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = table_open(request, source, &table);
    csv_release(&table);
    return outcome;
}

const struct source_format source_format_csv = {.name = "CSV",
                                                .recognises = recognises,
                                                .columns_by_name = true,
                                                .is_text = true,
                                                .open = open_csv};
