/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_EXPORT_EXPORT_FORMAT_H
#define COTERIE_EXPORT_EXPORT_FORMAT_H

#include "base/status.h"
#include "exported_model.h"

#include <stdbool.h>
#include <stddef.h>

/* What a format is: one file each, export_<format>.c. */
struct export_format {
    const char *ending;   /* of names, with the dot */
    const char *library;  /* what it is built with, if that is optional; else NULL */
    bool holds_the_model; /* reads gate and experts; false: only the checkpoint's arrays */
    /*
     * Writes a new file `path`, which becomes `name`; `said` (size): what was written. The
     * caller syncs and renames it. NULL: built without the library.
     */
    status (*write)(const struct exported_model *model, const char *path, const char *name,
                    char *said, size_t size);
};

extern const struct export_format export_c, export_npz, export_onnx;

#endif
