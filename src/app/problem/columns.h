/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_COLUMNS_H
#define COTERIE_APP_COLUMNS_H

#include "app/options/options.h"
#include "base/status.h"
#include "data/source/source.h"

/*
 * Root. Opens other data for a model that was trained on columns of given names: columns of a CSV
 * file or built-in table are found by those names, data sets of an HDF5 file by the options. Names
 * and classes must be the model's; STATUS_USAGE says which differ. `numbers` false: labels.
 * Optional targets that differ are left out, with a warning.
 */
status columns_open(const struct options *options, const char *path,
                    const struct string_list *input_names, const struct string_list *target_names,
                    const struct string_list *classes, bool numbers, bool targets_optional,
                    enum source_gaps gaps, struct source **source);

/* Root. Tells what the source has noted of its file, once. */
void columns_tell(const struct options *options, const struct source *source);

/* Root. STATUS_USAGE if the offset of that name (NULL: none) lacks a value: nothing stands for it.
 */
status columns_check_offset(const struct source *source, const char *offset);

/* Root. Tells how many values of which inputs are missing, and what stands for them. */
void columns_tell_gaps(const struct source *source);

#endif
