/* SPDX-License-Identifier: BSD-3-Clause */
#include "onnx_graph.h"

#ifdef COTERIE_ONNX
#include "base/memory.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <onnx/onnx.pb-c.h>
#include <stdio.h>
#include <string.h>

/* Operators as they are since ONNX 1.8 (2020), which ONNX Runtime reads since 1.6. */
enum { OPERATOR_SET = 13, FILE_VERSION = ONNX__VERSION__IR_VERSION_2020_5_8 };

struct onnx_graph {
    status outcome;
    void **block; /* (n_blocks), owned: all that the messages point to */
    size_t n_blocks;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
};

/* An array of the graph's; NULL after a failure. */
static void *take(struct onnx_graph *graph, size_t n, size_t size)
{
    void *block = NULL;
    if (graph->outcome == STATUS_OK)
        graph->outcome = memory_grow(&graph->block, graph->n_blocks, graph->n_blocks + 1,
                                     sizeof *graph->block, "an ONNX graph");
    if (graph->outcome == STATUS_OK)
        graph->outcome = memory_alloc(&block, n, size, "an ONNX graph");
    if (block)
        graph->block[graph->n_blocks++] = block;
    return block;
}

static char *copy(struct onnx_graph *graph, const char *text)
{
    char *made = take(graph, strlen(text) + 1, 1);
    if (made)
        memcpy(made, text, strlen(text));
    return made;
}

/* Appends to a list of pointers, whose room is doubled when n is a power of two. */
static void append(struct onnx_graph *graph, size_t *n, void *list, void *item)
{
    void ***items = list;
    if ((*n & (*n - 1)) == 0) {
        void **more = take(graph, *n > 0 ? 2 * *n : 1, sizeof *more);
        if (more && *n > 0)
            memcpy(more, *items, *n * sizeof *more);
        if (more)
            *items = more;
    }
    if (graph->outcome == STATUS_OK && item)
        (*items)[(*n)++] = item;
}

status onnx_graph_create(struct onnx_graph **out)
{
    status outcome = memory_alloc(out, 1, sizeof **out, "an ONNX graph");
    if (outcome != STATUS_OK)
        return outcome;
    onnx__model_proto__init(&(*out)->model);
    onnx__graph_proto__init(&(*out)->graph);
    return STATUS_OK;
}

void onnx_graph_destroy(struct onnx_graph **graph)
{
    if (!*graph)
        return;
    for (size_t i = 0; i < (*graph)->n_blocks; i++)
        memory_free(&(*graph)->block[i]);
    memory_free(&(*graph)->block);
    memory_free(graph);
}

double *onnx_scratch(struct onnx_graph *graph, size_t n)
{
    return take(graph, n, sizeof(double));
}

/* A constant without numbers yet; NULL after a failure. */
static Onnx__TensorProto *add_tensor(struct onnx_graph *graph, const char *name,
                                     enum onnx_type type, int rank, const int64_t *dims)
{
    Onnx__TensorProto *tensor = take(graph, 1, sizeof *tensor);
    int64_t *own = take(graph, (size_t)rank, sizeof *own);
    if (!own)
        return NULL;
    onnx__tensor_proto__init(tensor);
    memcpy(own, dims, (size_t)rank * sizeof *own);
    tensor->name = copy(graph, name);
    tensor->n_dims = (size_t)rank;
    tensor->dims = own;
    tensor->has_data_type = 1;
    tensor->data_type = (int32_t)type;
    append(graph, &graph->graph.n_initializer, &graph->graph.initializer, tensor);
    return graph->outcome == STATUS_OK ? tensor : NULL;
}

static void narrow(struct onnx_graph *graph, const char *name, size_t n, const double *from,
                   float *to)
{
    for (size_t i = 0; i < n && graph->outcome == STATUS_OK; i++) {
        to[i] = (float)from[i];
        if (!isfinite(to[i]) && isfinite(from[i]))
            graph->outcome = status_set(STATUS_USAGE,
                                        "%s holds %g, too large for the single precision of this "
                                        "ONNX file; train with coterie_d, or export to .c",
                                        name, from[i]);
    }
}

const char *onnx_numbers(struct onnx_graph *graph, const char *name, enum onnx_type type, int rank,
                         const int64_t *dims, const double *numbers)
{
    size_t n = 1;
    for (int d = 0; d < rank; d++)
        n *= (size_t)dims[d];
    Onnx__TensorProto *tensor = numbers ? add_tensor(graph, name, type, rank, dims) : NULL;
    void *own = tensor ? take(graph, n, type == ONNX_FLOAT ? sizeof(float) : sizeof(double)) : NULL;
    if (!own)
        return name;
    if (type == ONNX_FLOAT) {
        narrow(graph, name, n, numbers, own);
        tensor->n_float_data = n;
        tensor->float_data = own;
    } else {
        memcpy(own, numbers, n * sizeof *numbers);
        tensor->n_double_data = n;
        tensor->double_data = own;
    }
    return tensor->name;
}

const char *onnx_scalar(struct onnx_graph *graph, const char *name, enum onnx_type type,
                        double number)
{
    return onnx_numbers(graph, name, type, 0, (const int64_t[]){0}, &number);
}

const char *onnx_integers(struct onnx_graph *graph, const char *name, size_t n,
                          const int64_t *numbers)
{
    Onnx__TensorProto *tensor = add_tensor(graph, name, ONNX_INT64, 1, (int64_t[]){(int64_t)n});
    int64_t *own = tensor ? take(graph, n, sizeof *own) : NULL;
    if (!own)
        return name;
    memcpy(own, numbers, n * sizeof *own);
    tensor->n_int64_data = n;
    tensor->int64_data = own;
    return tensor->name;
}

const char *onnx_strings(struct onnx_graph *graph, const char *name,
                         const struct string_list *texts)
{
    Onnx__TensorProto *tensor =
        add_tensor(graph, name, ONNX_STRING, 1, (int64_t[]){(int64_t)texts->n});
    ProtobufCBinaryData *own = tensor ? take(graph, texts->n, sizeof *own) : NULL;
    if (!own)
        return name;
    for (size_t i = 0; i < texts->n; i++)
        own[i] = (ProtobufCBinaryData){strlen(texts->item[i]), (uint8_t *)texts->item[i]};
    tensor->n_string_data = texts->n;
    tensor->string_data = own;
    return tensor->name;
}

const char *onnx_node(struct onnx_graph *graph, const char *op, const char *output, const char *a,
                      const char *b, const char *c)
{
    const char *inputs[] = {a, b, c};
    Onnx__NodeProto *node = take(graph, 1, sizeof *node);
    if (!node)
        return output;
    onnx__node_proto__init(node);
    node->op_type = copy(graph, op);
    node->name = copy(graph, output);
    for (int i = 0; i < 3 && inputs[i]; i++)
        append(graph, &node->n_input, &node->input, copy(graph, inputs[i]));
    append(graph, &node->n_output, &node->output, node->name);
    append(graph, &graph->graph.n_node, &graph->graph.node, node);
    return graph->outcome == STATUS_OK ? node->name : output;
}

static Onnx__NodeProto *last_node(struct onnx_graph *graph)
{
    return graph->outcome == STATUS_OK ? graph->graph.node[graph->graph.n_node - 1] : NULL;
}

const char *onnx_second(struct onnx_graph *graph, const char *output)
{
    Onnx__NodeProto *node = last_node(graph);
    char *own = copy(graph, output);
    if (node)
        append(graph, &node->n_output, &node->output, own);
    return own ? own : output;
}

static Onnx__AttributeProto *add_attribute(struct onnx_graph *graph, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__NodeProto *node = last_node(graph);
    Onnx__AttributeProto *attribute = take(graph, 1, sizeof *attribute);
    if (!attribute)
        return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = copy(graph, name);
    attribute->has_type = 1;
    attribute->type = type;
    append(graph, &node->n_attribute, &node->attribute, attribute);
    return attribute;
}

void onnx_attribute(struct onnx_graph *graph, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute =
        add_attribute(graph, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (attribute) {
        attribute->has_i = 1;
        attribute->i = value;
    }
}

void onnx_attribute_list(struct onnx_graph *graph, const char *name, size_t n,
                         const int64_t *values)
{
    Onnx__AttributeProto *attribute =
        add_attribute(graph, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *own = take(graph, n, sizeof *own);
    if (!own)
        return;
    memcpy(own, values, n * sizeof *own);
    attribute->n_ints = n;
    attribute->ints = own;
}

static Onnx__TensorShapeProto *make_shape(struct onnx_graph *graph, int rank, const int64_t *dims)
{
    Onnx__TensorShapeProto *shape = take(graph, 1, sizeof *shape);
    if (shape)
        onnx__tensor_shape_proto__init(shape);
    for (int d = 0; d < rank; d++) {
        Onnx__TensorShapeProto__Dimension *dimension = take(graph, 1, sizeof *dimension);
        if (!dimension)
            return NULL;
        onnx__tensor_shape_proto__dimension__init(dimension);
        if (dims[d] == ONNX_SAMPLES) {
            dimension->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dimension->dim_param = copy(graph, "samples");
        } else {
            dimension->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dimension->dim_value = dims[d];
        }
        append(graph, &shape->n_dim, &shape->dim, dimension);
    }
    return shape;
}

static Onnx__ValueInfoProto *make_value(struct onnx_graph *graph, const char *name,
                                        enum onnx_type type, int rank, const int64_t *dims,
                                        const char *explanation)
{
    Onnx__ValueInfoProto *value = take(graph, 1, sizeof *value);
    Onnx__TypeProto *about = take(graph, 1, sizeof *about);
    Onnx__TypeProto__Tensor *tensor = take(graph, 1, sizeof *tensor);
    if (!tensor)
        return NULL;
    onnx__value_info_proto__init(value);
    onnx__type_proto__init(about);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = (int32_t)type;
    tensor->shape = make_shape(graph, rank, dims);
    about->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    about->tensor_type = tensor;
    value->name = copy(graph, name);
    value->type = about;
    value->doc_string = copy(graph, explanation);
    return value;
}

void onnx_input(struct onnx_graph *graph, const char *name, enum onnx_type type, int rank,
                const int64_t *dims, const char *explanation)
{
    append(graph, &graph->graph.n_input, &graph->graph.input,
           make_value(graph, name, type, rank, dims, explanation));
}

void onnx_output(struct onnx_graph *graph, const char *name, enum onnx_type type, int rank,
                 const int64_t *dims, const char *explanation)
{
    append(graph, &graph->graph.n_output, &graph->graph.output,
           make_value(graph, name, type, rank, dims, explanation));
}

void onnx_metadata(struct onnx_graph *graph, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = take(graph, 1, sizeof *entry);
    if (!entry)
        return;
    onnx__string_string_entry_proto__init(entry);
    entry->key = copy(graph, key);
    entry->value = copy(graph, value);
    append(graph, &graph->model.n_metadata_props, &graph->model.metadata_props, entry);
}

static void finish_model(struct onnx_graph *graph, Onnx__OperatorSetIdProto *operators)
{
    Onnx__ModelProto *model = &graph->model;
    onnx__operator_set_id_proto__init(operators);
    operators->domain = copy(graph, "");
    operators->has_version = 1;
    operators->version = OPERATOR_SET;
    append(graph, &model->n_opset_import, &model->opset_import, operators);
    model->has_ir_version = 1;
    model->ir_version = FILE_VERSION;
    model->producer_name = copy(graph, "coterie");
    model->producer_version = copy(graph, COTERIE_VERSION);
    graph->graph.name = copy(graph, "mixture of local experts");
    model->graph = &graph->graph;
}

static status write_bytes(const char *path, const char *called, size_t n, const uint8_t *bytes)
{
    FILE *file = fopen(path, "we");
    bool good = file && fwrite(bytes, 1, n, file) == n;
    if (file && fclose(file) != 0)
        good = false;
    return good ? STATUS_OK
                : status_set(STATUS_FAILED, "%s cannot be written: %s", called, strerror(errno));
}

status onnx_graph_write(struct onnx_graph *graph, const char *path, const char *called)
{
    Onnx__OperatorSetIdProto operators;
    finish_model(graph, &operators);
    if (graph->outcome != STATUS_OK)
        return graph->outcome;
    size_t n = onnx__model_proto__get_packed_size(&graph->model);
    if (n > INT_MAX)
        return status_set(
            STATUS_USAGE,
            "%s: this model takes %zu MB, and an ONNX file holds at most 2048; export "
            "to .npz",
            called, n >> 20);
    uint8_t *bytes = take(graph, n, 1);
    if (!bytes)
        return graph->outcome;
    onnx__model_proto__pack(&graph->model, bytes);
    return write_bytes(path, called, n, bytes);
}
#endif
