/* SPDX-License-Identifier: BSD-3-Clause */
#include "source_hdf5_internal.h"

#include <inttypes.h>
#include <stdio.h>

const char *hdf5_shape_text(const struct hdf5_shape *shape, char text[SHAPE_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%" PRIu64, i ? ", " : "",
                                 shape->dims[i]);
    return text;
}
