/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_names.h"

#include <string.h>

/* The next part of a name between slashes; as HDF5 reads it, "" and "." are none. */
static bool next_part(const char **at, const char **part, size_t *length)
{
    do {
        *at += strspn(*at, "/");
        *part = *at;
        *length = strcspn(*at, "/");
        *at += *length;
    } while (*length == 1 && **part == '.');
    return *length > 0;
}

/* Whether one name is the other, or a folder that the other lies in. */
static bool are_in_the_way(const char *a, const char *b)
{
    const char *part_a, *part_b;
    size_t length_a, length_b;
    for (;;) {
        bool more_a = next_part(&a, &part_a, &length_a), more_b = next_part(&b, &part_b, &length_b);
        if (!more_a || !more_b)
            return true;
        if (length_a != length_b || memcmp(part_a, part_b, length_a) != 0)
            return false;
    }
}

static bool names_no_dataset(const char *name)
{
    const char *last = strrchr(name, '/');
    return last && (!last[1] || strcmp(last, "/.") == 0);
}

status hdf5_names_check(const char *path, const struct string_list *names)
{
    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->item[i];
        if (!strchr(name, '/'))
            continue;
        if (names_no_dataset(name))
            return status_set(STATUS_USAGE,
                              "%s: '%s' cannot be the name of a data set in an HDF5 file, where / "
                              "divides folders; choose an --output that ends in .csv",
                              path, name);
        for (size_t other = 0; other < names->n; other++)
            if (other != i && are_in_the_way(name, names->item[other]))
                return status_set(STATUS_USAGE,
                                  "%s: '%s' and '%s' cannot both be data sets of an HDF5 file, "
                                  "where / divides folders; choose an --output that ends in .csv",
                                  path, names->item[other], name);
    }
    return STATUS_OK;
}
