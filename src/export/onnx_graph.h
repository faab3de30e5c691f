/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_EXPORT_ONNX_GRAPH_H
#define COTERIE_EXPORT_ONNX_GRAPH_H

#include "base/status.h"
#include "base/string_list.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A graph of ONNX operators while it is made. Values have names; what adds one returns its name,
 * which the graph owns. The first failure stays, and what is added after it is lost: only
 * onnx_graph_write has to be checked. Local.
 */
struct onnx_graph;

/* As TensorProto.DataType of onnx.proto. */
enum onnx_type { ONNX_FLOAT = 1, ONNX_INT64 = 7, ONNX_STRING = 8, ONNX_DOUBLE = 11 };

/* A dimension of inputs and outputs: the number of samples. */
enum { ONNX_SAMPLES = -1 };

status onnx_graph_create(struct onnx_graph **out);
void onnx_graph_destroy(struct onnx_graph **graph);

/* n numbers to form a constant in, which last as long as the graph; NULL after a failure. */
double *onnx_scratch(struct onnx_graph *graph, size_t n);

/* A constant of dimensions dims (rank), 0: a scalar. Of floats: STATUS_USAGE for what overflows. */
const char *onnx_numbers(struct onnx_graph *graph, const char *name, enum onnx_type type, int rank,
                         const int64_t *dims, const double *numbers);
const char *onnx_scalar(struct onnx_graph *graph, const char *name, enum onnx_type type,
                        double number);
/* One dimension. */
const char *onnx_integers(struct onnx_graph *graph, const char *name, size_t n,
                          const int64_t *numbers);
const char *onnx_strings(struct onnx_graph *graph, const char *name,
                         const struct string_list *texts);

/* output = op(a, b, c); b and c may be NULL. */
const char *onnx_node(struct onnx_graph *graph, const char *op, const char *output, const char *a,
                      const char *b, const char *c);
/* A second output of the last node. */
const char *onnx_second(struct onnx_graph *graph, const char *output);
/* Attributes of the last node. */
void onnx_attribute(struct onnx_graph *graph, const char *name, int64_t value);
void onnx_attribute_list(struct onnx_graph *graph, const char *name, size_t n,
                         const int64_t *values);

void onnx_input(struct onnx_graph *graph, const char *name, enum onnx_type type, int rank,
                const int64_t *dims, const char *explanation);
void onnx_output(struct onnx_graph *graph, const char *name, enum onnx_type type, int rank,
                 const int64_t *dims, const char *explanation);
void onnx_metadata(struct onnx_graph *graph, const char *key, const char *value);

/* The model, with this graph in it, into a new file; `called` is its name in messages. */
status onnx_graph_write(struct onnx_graph *graph, const char *path, const char *called);

#endif
