/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_internal.h"

status source_open_csv(const struct source_request *request, struct source *source)
{
    struct csv_table table;
    status outcome = csv_read(request->path, &table);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = source_open_table(request, source, &table);
    csv_release(&table);
    return outcome;
}
