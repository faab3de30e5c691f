/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect_internal.h"

#include "app/judge/loaded_model.h"
#include "base/json_number.h"
#include "base/memory.h"
#include "checkpoint/checkpoint.h"

#include <limits.h>
#include <stdio.h>

/* The arrays of a checkpoint that are the model, as groups. */
static const char *const groups_of_arrays[] = {"/experts", "/gate", "/scaler"};

struct arrays {
    struct hdf5_file *file;
    json_t *object; /* array by its name in the checkpoint */
};

/* The block at *next as lists in lists, outermost dimension first; *next moves behind it. */
static json_t *nested(const struct hdf5_shape *shape, int dimension, const double **next)
{
    if (dimension == shape->rank)
        return json_number(*(*next)++);
    json_t *list = json_array();
    for (uint64_t i = 0; i < shape->dims[dimension]; i++)
        json_array_append_new(list, nested(shape, dimension + 1, next));
    return list;
}

static status add_array(const char *name, const struct hdf5_shape *shape, void *context)
{
    struct arrays *arrays = context;
    size_t n = 1;
    if (shape->kind != HDF5_FLOAT || shape->rank == 0)
        return STATUS_OK;
    for (int i = 0; i < shape->rank; i++)
        n *= shape->dims[i];
    double *values;
    status outcome = memory_alloc(&values, n, sizeof *values, "the parameters");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(arrays->file, name, 0, shape->dims[0], HDF5_AS_DOUBLE, values);
    if (outcome == STATUS_OK) {
        const double *next = values;
        json_object_set_new(arrays->object, name, nested(shape, 0, &next));
    }
    memory_free(&values);
    return outcome;
}

/* A place is kept for a text that JSON cannot hold. */
static json_t *text_or_mark(const char *text)
{
    json_t *result = text ? json_string(text) : NULL;
    return result ? result : json_string("(not UTF-8)");
}

static json_t *strings(const struct string_list *list)
{
    json_t *result = json_array();
    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(result, text_or_mark(list->item[i]));
    return result;
}

static status set_text(struct hdf5_file *file, json_t *result, const char *attribute)
{
    char *text = NULL;
    status outcome = hdf5_read_text(file, "/", attribute, &text);
    if (outcome == STATUS_OK)
        json_object_set_new(result, attribute, text_or_mark(text));
    memory_free(&text);
    return outcome;
}

static status set_progress(struct hdf5_file *file, json_t *result)
{
    static const char *const numbers[] = {"epoch", "step"};
    status outcome = STATUS_OK;
    for (int i = 0; i < 2 && outcome == STATUS_OK; i++) {
        int64_t number = 0;
        outcome = hdf5_read_int64(file, "/progress", numbers[i], &number);
        json_object_set_new(result, numbers[i], json_integer((json_int_t)number));
    }
    return outcome;
}

/* Names of the inputs that the gate, or the experts, see. */
static json_t *seen_names(const struct string_list *names, const struct input_choice *seen)
{
    json_t *array = json_array();
    for (size_t i = 0; i < names->n; i++)
        if (input_choice_has(seen, i))
            json_array_append_new(array, text_or_mark(names->item[i]));
    return array;
}

static void set_model(json_t *result, const struct run_record *record,
                      const struct model_config *config)
{
    const struct {
        const char *name;
        size_t n;
    } counts[] = {{"n_experts", config->n_experts},
                  {"n_inputs", config->n_inputs},
                  {"n_outputs", config->n_outputs},
                  {"n_parameters", model_n_parameters(config)},
                  {"n_free_parameters", model_n_free_parameters(config)}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(result, counts[i].name, json_integer((json_int_t)counts[i].n));
    json_object_set_new(result, "inputs", strings(&record->input_names));
    json_object_set_new(result, "gate_inputs",
                        seen_names(&record->input_names, &config->gate_inputs));
    json_object_set_new(result, "expert_inputs",
                        seen_names(&record->input_names, &config->expert_inputs));
    json_object_set_new(result, "targets", strings(&record->target_names));
    json_object_set_new(result, "input_units", strings(&record->input_units));
    json_object_set_new(result, "target_units", strings(&record->target_units));
    json_object_set_new(result, "classes", strings(&record->classes));
    json_object_set_new(result, "data",
                        json_pack("{s:o, s:I, s:o}", "path", text_or_mark(record->data_path), "n",
                                  (json_int_t)record->data_n, "split",
                                  text_or_mark(record->data_split)));
    json_t *options = json_object();
    for (size_t i = 0; i < record->config_keys.n; i++)
        json_object_set_new(options, record->config_keys.item[i],
                            text_or_mark(record->config_values.item[i]));
    json_object_set_new(result, "options", options);
}

static status describe(struct hdf5_file *file, json_t *result)
{
    struct run_record record = {0};
    struct problem problem;
    status outcome = checkpoint_read_record(file, &record);
    if (outcome == STATUS_OK)
        outcome = problem_from_record(&record, &problem);
    if (outcome == STATUS_OK)
        outcome = set_text(file, result, "software_version");
    if (outcome == STATUS_OK)
        outcome = set_text(file, result, "precision");
    if (outcome == STATUS_OK)
        outcome = set_progress(file, result);
    if (outcome == STATUS_OK)
        set_model(result, &record, &problem.model);
    struct arrays arrays = {.file = file, .object = json_object()};
    for (size_t i = 0; i < sizeof groups_of_arrays / sizeof *groups_of_arrays; i++)
        if (outcome == STATUS_OK)
            outcome = hdf5_visit(file, groups_of_arrays[i], add_array, &arrays);
    json_object_set_new(result, "arrays", arrays.object);
    run_record_release(&record);
    return outcome;
}

status inspect_json(const char *path)
{
    char found[PATH_MAX];
    struct hdf5_file *file = NULL;
    status outcome = checkpoint_find(path, found, sizeof found);
    if (outcome == STATUS_OK)
        outcome = checkpoint_open(found, &file);
    if (outcome != STATUS_OK)
        return outcome;
    json_t *result = json_pack("{s:s}", "format", checkpoint_format);
    outcome = describe(file, result);
    if (outcome == STATUS_OK) {
        json_dumpf(result, stdout, JSON_REAL_PRECISION(17) | JSON_COMPACT);
        fputc('\n', stdout);
    }
    json_decref(result);
    return hdf5_close_after(&file, outcome);
}
