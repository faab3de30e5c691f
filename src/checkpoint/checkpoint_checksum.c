/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "checkpoint_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* the size of the state, for arrays of it */
#include <xxhash.h>

/*
 * Values are hashed as doubles, which holds every float exactly: the program of either precision
 * can check a file of the other. Names and experts' numbers go in too, so that an expert in the
 * wrong place does not verify.
 */
struct hashes {
    struct hdf5_file *file;
    size_t n_experts;
    XXH3_state_t *expert; /* (E) */
    XXH3_state_t gate, rest;
};

static status hash_gate(struct hashes *hashes, const char *name, uint64_t rows, uint64_t width)
{
    double *values;
    status outcome = memory_alloc(&values, rows * width, sizeof(double), "a checksum");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(hashes->file, name, 0, rows, HDF5_AS_DOUBLE, values);
    if (outcome == STATUS_OK) {
        XXH3_64bits_update(&hashes->gate, name, strlen(name));
        XXH3_64bits_update(&hashes->gate, values, rows * width * sizeof(double));
    }
    memory_free(&values);
    return outcome;
}

static status hash_experts(struct hashes *hashes, const char *name, uint64_t rows, uint64_t width)
{
    if (rows != hashes->n_experts)
        return status_set(STATUS_USAGE, "%s in %s has %" PRIu64 " rows for %zu experts", name,
                          hdf5_path(hashes->file), rows, hashes->n_experts);
    double *values;
    status outcome = memory_alloc(&values, width, sizeof(double), "a checksum");
    for (uint64_t e = 0; e < rows && outcome == STATUS_OK; e++) {
        outcome = hdf5_read_rows(hashes->file, name, e, 1, HDF5_AS_DOUBLE, values);
        XXH3_64bits_update(&hashes->expert[e], name, strlen(name));
        XXH3_64bits_update(&hashes->expert[e], values, width * sizeof(double));
    }
    memory_free(&values);
    return outcome;
}

static status hash_networks(const char *name, const struct hdf5_shape *shape, void *context)
{
    struct hashes *hashes = context;
    if (shape->kind != HDF5_FLOAT || shape->rank == 0)
        return STATUS_OK;
    uint64_t width = 1;
    for (int d = 1; d < shape->rank; d++)
        width *= shape->dims[d];
    if (strstr(name, "/experts/"))
        return hash_experts(hashes, name, shape->dims[0], width);
    return hash_gate(hashes, name, shape->dims[0], width);
}

static status hash_text(const char *name, const char *value, void *context)
{
    struct hashes *hashes = context;
    /* The time that a run took is no part of its state: two equal runs have equal checksums. */
    if (strcmp(name, "seconds") == 0)
        return STATUS_OK;
    XXH3_64bits_update(&hashes->rest, name, strlen(name) + 1);
    XXH3_64bits_update(&hashes->rest, value, strlen(value) + 1);
    return STATUS_OK;
}

static status hash_rest_numbers(const char *name, const struct hdf5_shape *shape, void *context)
{
    struct hashes *hashes = context;
    if (shape->kind != HDF5_FLOAT || shape->rank != 1 || strcmp(name, "/history/seconds") == 0)
        return STATUS_OK;
    double *values;
    status outcome = memory_alloc(&values, shape->dims[0], sizeof(double), "a checksum");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(hashes->file, name, 0, shape->dims[0], HDF5_AS_DOUBLE, values);
    if (outcome == STATUS_OK) {
        XXH3_64bits_update(&hashes->rest, name, strlen(name) + 1);
        XXH3_64bits_update(&hashes->rest, values, shape->dims[0] * sizeof(double));
    }
    memory_free(&values);
    return outcome;
}

static status hash_strings(struct hashes *hashes, const char *name)
{
    struct string_list list = {0};
    status outcome = STATUS_OK;
    if (hdf5_exists(hashes->file, name))
        outcome = hdf5_read_strings(hashes->file, name, &list);
    for (size_t i = 0; i < list.n && outcome == STATUS_OK; i++)
        outcome = hash_text(name, list.item[i], hashes);
    string_list_release(&list);
    return outcome;
}

static status hash_rest(struct hashes *hashes)
{
    const char *const with_attributes[] = {"/config", "/data", "/progress"};
    const char *const strings[] = {"/names/inputs", "/names/targets", "/classes",
                                   "/names/input_units", "/names/target_units"};
    const char *const numbers[] = {"/progress", "/scaler", "/history"};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < 3 && outcome == STATUS_OK; i++)
        outcome = hdf5_visit_attributes(hashes->file, with_attributes[i], hash_text, hashes);
    for (size_t i = 0; i < 5 && outcome == STATUS_OK; i++)
        outcome = hash_strings(hashes, strings[i]);
    for (size_t i = 0; i < 3 && outcome == STATUS_OK; i++)
        outcome = hdf5_visit(hashes->file, numbers[i], hash_rest_numbers, hashes);
    return outcome;
}

status checkpoint_checksums(struct hdf5_file *file, size_t n_experts, uint64_t *experts,
                            uint64_t *gate, uint64_t *rest)
{
    const char *const groups[] = {"/gate", "/experts", "/optimizer", "/best", "/due_best"};
    struct hashes *hashes;
    status outcome = memory_alloc(&hashes, 1, sizeof *hashes, "a checksum");
    if (outcome != STATUS_OK)
        return outcome;
    hashes->file = file;
    hashes->n_experts = n_experts;
    XXH3_64bits_reset(&hashes->gate);
    XXH3_64bits_reset(&hashes->rest);
    outcome = memory_alloc(&hashes->expert, n_experts, sizeof *hashes->expert, "a checksum");
    for (uint64_t e = 0; e < n_experts && outcome == STATUS_OK; e++) {
        XXH3_64bits_reset(&hashes->expert[e]);
        XXH3_64bits_update(&hashes->expert[e], &e, sizeof e);
    }
    for (int g = 0; g < 5 && outcome == STATUS_OK; g++)
        if (hdf5_exists(file, groups[g]))
            outcome = hdf5_visit(file, groups[g], hash_networks, hashes);
    if (outcome == STATUS_OK)
        outcome = hash_rest(hashes);
    for (size_t e = 0; e < n_experts && outcome == STATUS_OK; e++)
        experts[e] = XXH3_64bits_digest(&hashes->expert[e]);
    *gate = XXH3_64bits_digest(&hashes->gate);
    *rest = XXH3_64bits_digest(&hashes->rest);
    memory_free(&hashes->expert);
    memory_free(&hashes);
    return outcome;
}

static status does_not_verify(struct hdf5_file *file, const char *part)
{
    return status_set(STATUS_USAGE,
                      "%s is damaged: the checksum of %s does not match; use an older checkpoint"
                      "{ (@resume auto finds the newest good one)}",
                      hdf5_path(file), part);
}

static status compare_checksums(struct hdf5_file *file, size_t n_experts, const uint64_t *stored,
                                const uint64_t *found)
{
    for (size_t e = 0; e < n_experts; e++)
        if (stored[e] != found[e]) {
            char part[64];
            snprintf(part, sizeof part, "expert %zu", e);
            return does_not_verify(file, part);
        }
    uint64_t single;
    const char *const names[2] = {"/checksum/gate", "/checksum/rest"};
    const char *const parts[2] = {"the gate", "progress, scaler and configuration"};
    for (int i = 0; i < 2; i++) {
        status outcome = hdf5_read_rows(file, names[i], 0, 1, HDF5_AS_UINT64, &single);
        if (outcome != STATUS_OK)
            return outcome;
        if (single != found[n_experts + (size_t)i])
            return does_not_verify(file, parts[i]);
    }
    return STATUS_OK;
}

status checkpoint_verify(struct hdf5_file *file)
{
    struct hdf5_shape shape;
    status outcome = hdf5_shape(file, "/checksum/experts", &shape);
    if (outcome == STATUS_OK && (shape.rank != 1 || shape.dims[0] == 0))
        outcome = does_not_verify(file, "the experts");
    if (outcome != STATUS_OK)
        return outcome;
    size_t n_experts = shape.dims[0];
    uint64_t *stored, *found = NULL;
    outcome = memory_alloc(&stored, n_experts, sizeof *stored, "checksums");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&found, n_experts + 2, sizeof *found, "checksums");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(file, "/checksum/experts", 0, n_experts, HDF5_AS_UINT64, stored);
    if (outcome == STATUS_OK)
        outcome =
            checkpoint_checksums(file, n_experts, found, &found[n_experts], &found[n_experts + 1]);
    if (outcome == STATUS_OK)
        outcome = compare_checksums(file, n_experts, stored, found);
    int64_t version = 0;
    if (outcome == STATUS_OK)
        outcome = hdf5_read_int64(file, "/", "format_version", &version);
    if (outcome == STATUS_OK && version >= 2)
        outcome = checkpoint_check_seal(hdf5_path(file));
    memory_free(&stored);
    memory_free(&found);
    return outcome;
}
