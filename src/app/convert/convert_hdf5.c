/* SPDX-License-Identifier: BSD-3-Clause */
#include "convert_internal.h"

#include "data/source/source_blocks.h"

#include "base/memory.h"
#include "data/hdf5/hdf5_file.h"

static status create_table(struct hdf5_file *file, const char *name, size_t n, size_t width,
                           const struct string_list *names)
{
    const uint64_t dims[2] = {n, width};
    status outcome =
        hdf5_create_dataset(file, name, HDF5_AS_DOUBLE, 2, dims, source_block_rows(width));
    if (outcome == STATUS_OK && names)
        outcome = hdf5_write_text_list(file, name, "names", names);
    return outcome;
}

/* Codes as the strings they stand for. */
static status write_codes(struct hdf5_file *file, const char *name, size_t n, const int32_t *code,
                          const struct string_list *names)
{
    struct string_list texts = {.n = n}; /* its items belong to `names` */
    status outcome = memory_alloc(&texts.item, n, sizeof *texts.item, "labels");
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        texts.item[i] = names->item[code[i]];
    if (outcome == STATUS_OK)
        outcome = hdf5_write_strings(file, name, &texts);
    memory_free(&texts.item);
    return outcome;
}

static status write_labels(struct hdf5_file *file, const struct source_info *info)
{
    status outcome = write_codes(file, "/y", info->n, info->label, &info->classes);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_text_list(file, "/y", "names", &info->target_names);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_text_list(file, "/y", "classes", &info->classes);
    return outcome;
}

static status write_weights(struct hdf5_file *file, const struct source_info *info)
{
    const uint64_t dims[1] = {info->n};
    status outcome =
        hdf5_create_dataset(file, "/weight", HDF5_AS_DOUBLE, 1, dims, source_block_rows(1));
    if (outcome == STATUS_OK)
        outcome = hdf5_write_rows(file, "/weight", 0, info->n, HDF5_AS_DOUBLE, info->weight);
    return outcome;
}

static status write_numbers(struct hdf5_file *file, struct source *source)
{
    const struct source_info *info = source_info(source);
    struct source_blocks block;
    status outcome = source_blocks_init(&block, source, false);
    if (outcome == STATUS_OK)
        outcome = create_table(file, "/x", info->n, info->n_inputs,
                               info->names_known ? &info->input_names : NULL);
    if (outcome == STATUS_OK && info->n_targets > 0)
        outcome = create_table(file, "/y", info->n, info->n_targets, &info->target_names);
    while (outcome == STATUS_OK) {
        outcome = source_blocks_next(&block);
        if (outcome != STATUS_OK || block.n == 0)
            break;
        outcome = hdf5_write_rows(file, "/x", block.first, block.n, HDF5_AS_DOUBLE, block.x);
        if (outcome == STATUS_OK && info->n_targets > 0)
            outcome = hdf5_write_rows(file, "/y", block.first, block.n, HDF5_AS_DOUBLE, block.y);
    }
    source_blocks_release(&block);
    return outcome;
}

status convert_to_hdf5(struct source *source, const char *path)
{
    const struct source_info *info = source_info(source);
    struct hdf5_file *file = NULL;
    status outcome = hdf5_create(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = write_numbers(file, source);
    if (outcome == STATUS_OK && info->has_labels)
        outcome = write_labels(file, info);
    if (outcome == STATUS_OK && info->group)
        outcome = write_codes(file, "/group", info->n, info->group, &info->group_names);
    if (outcome == STATUS_OK && info->weight)
        outcome = write_weights(file, info);
    if (outcome == STATUS_OK)
        outcome = hdf5_sync(file);
    return hdf5_close_after(&file, outcome);
}
