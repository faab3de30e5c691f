/* SPDX-License-Identifier: BSD-3-Clause */
/* The attribute `units`: one text for all columns of a data set (netCDF, CF), or one for each. */
#include "source_hdf5_internal.h"

static status add_unit(struct source_info *info, const char *column, const char *unit)
{
    if (!*unit)
        return STATUS_OK;
    status outcome = string_list_add(&info->unit_columns, column);
    return outcome == STATUS_OK ? string_list_add(&info->units, unit) : outcome;
}

/* Of one data set's columns from `first` on, as they lie in the array. */
static status read_units(const struct hdf5_columns *columns, const char *dataset, size_t width,
                         struct hdf5_file *file, size_t first, size_t end, struct source_info *info)
{
    struct string_list units = {0};
    /* They change no number: what is no text, or of another length, is left out. */
    bool is_known = hdf5_has_attribute(file, dataset, "units") &&
                    hdf5_read_text_list(file, dataset, "units", &units) == STATUS_OK &&
                    (units.n == 1 || units.n == width);
    status outcome = STATUS_OK;
    for (size_t c = first; c < end && is_known && outcome == STATUS_OK; c++)
        outcome = add_unit(info, columns->names.item[c],
                           units.item[units.n == 1 ? 0 : columns->column[c]]);
    string_list_release(&units);
    return outcome;
}

status hdf5_columns_units(struct hdf5_file *file, const struct hdf5_columns *columns,
                          struct source_info *info)
{
    status outcome = STATUS_OK;
    size_t n = columns->datasets.n;
    for (size_t d = 0; d < n && outcome == STATUS_OK; d++) {
        const struct hdf5_part *part = &columns->part[d];
        size_t end = d + 1 < n ? columns->part[d + 1].offset : columns->n;
        outcome = read_units(columns, columns->datasets.item[d], part->width, file, part->offset,
                             end, info);
    }
    return outcome;
}
