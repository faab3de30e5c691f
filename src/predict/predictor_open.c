/* SPDX-License-Identifier: BSD-3-Clause */
#include "predictor_state.h"

#include "base/memory.h"
#include "model/network/parameters.h"
#include "predict/recorded_model.h"
#include "predict/self_check.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Numbers that a layer takes: both copies of its weights, and the bias. */
static size_t layer_numbers(const struct pass *pass, size_t in, size_t out)
{
    return pass->padded(in * out) + (in + 1) * pass->padded(out);
}

static size_t network_numbers(const struct pass *pass, const struct mlp *mlp)
{
    size_t numbers = 0;
    for (int l = 0; l < mlp->n_layers; l++)
        numbers += layer_numbers(pass, mlp->width[l], mlp->width[l + 1]);
    return numbers;
}

static void narrow_reals(const struct pass *pass, size_t n, const real *from, char *to)
{
    for (size_t i = 0; i < n; i++) {
        double number = (double)from[i];
        pass->narrow(1, &number, to + i * pass->scalar_bytes);
    }
}

/* Copies one layer to `at`; returns what is behind it. */
static char *copy_layer(const struct pass *pass, const struct mlp *mlp, int l, const real *from,
                        char *at, struct pass_layer *layer)
{
    size_t in = mlp->width[l], out = mlp->width[l + 1], bytes = pass->scalar_bytes;
    const real *weight = from + mlp->weight_at[l];
    *layer = (struct pass_layer){.in = in, .out = out, .out_padded = pass->padded(out)};
    layer->weight = at;
    narrow_reals(pass, in * out, weight, at);
    at += pass->padded(in * out) * bytes;
    layer->transposed = at;
    for (size_t i = 0; i < in; i++, at += layer->out_padded * bytes)
        for (size_t u = 0; u < out; u++)
            narrow_reals(pass, 1, weight + u * in + i, at + u * bytes);
    layer->bias = at;
    narrow_reals(pass, out, from + mlp->bias_at[l], at);
    return at + layer->out_padded * bytes;
}

static char *copy_network(const struct pass *pass, const struct mlp *mlp, const real *from,
                          char *at, struct pass_network *network)
{
    network->n_layers = mlp->n_layers;
    network->activation = mlp->hidden_activation;
    for (int l = 0; l <= mlp->n_layers; l++) {
        size_t width = pass->padded(mlp->width[l]);
        network->widest = width > network->widest ? width : network->widest;
    }
    for (int l = 0; l < mlp->n_layers; l++)
        at = copy_layer(pass, mlp, l, from, at, &network->layer[l]);
    return at;
}

static status copy_networks(struct predictor *predictor, const struct networks *networks)
{
    const struct model_shape *shape = &predictor->shape;
    const struct pass *pass = predictor->pass;
    bool has_network = !predictor->own_gate;
    size_t n = predictor->n_experts, stride = parameters_stride(&shape->expert);
    size_t numbers = n * network_numbers(pass, &shape->expert);
    if (has_network)
        numbers += network_numbers(pass, &shape->gate);
    status outcome = memory_alloc(&predictor->weights, numbers, pass->scalar_bytes, "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&predictor->experts, n, sizeof *predictor->experts, "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&predictor->dispersion, n, sizeof *predictor->dispersion, "a model");
    if (outcome != STATUS_OK)
        return outcome;
    char *at = predictor->weights;
    if (has_network)
        at = copy_network(pass, &shape->gate, networks->gate, at, &predictor->gate);
    for (size_t e = 0; e < n; e++)
        at = copy_network(pass, &shape->expert, networks->experts + e * stride, at,
                          &predictor->experts[e]);
    memcpy(predictor->dispersion, networks->dispersion, n * sizeof *predictor->dispersion);
    return STATUS_OK;
}

/* By enum gate_choice; NULL is a network. */
static const struct predictor_gate *const own_gates[GATE_KINDS] = {[GATE_GAUSSIAN] =
                                                                       &predictor_gaussian};

/* The new predictor owns the record from here on, whatever the outcome. */
static status create_with(struct run_record *record, const struct model_shape *shape,
                          const struct networks *networks, bool is_double, struct predictor **out)
{
    struct predictor *predictor = NULL;
    status outcome = memory_alloc(&predictor, 1, sizeof *predictor, "a model");
    if (outcome != STATUS_OK) {
        run_record_release(record);
        return outcome;
    }
    predictor->record = *record;
    predictor->shape = *shape;
    predictor->pass = is_double ? &pass_double : &pass_float;
    predictor->is_classifier = run_record_is_classifier(record);
    predictor->own_gate = own_gates[shape->config.gate];
    predictor->n_experts = shape->config.n_experts;
    predictor->n_outputs = shape->config.n_outputs;
    predictor->n_inputs = shape->config.n_inputs;
    outcome = copy_networks(predictor, networks);
    if (outcome == STATUS_OK)
        outcome = recorded_gaps(&predictor->record, predictor->n_inputs, &predictor->gaps,
                                &predictor->told_by);
    if (outcome == STATUS_OK && predictor->own_gate)
        outcome = predictor->own_gate->prepare(predictor, networks->gate);
    *out = predictor;
    if (outcome != STATUS_OK)
        predictor_destroy(out);
    return outcome;
}

status predictor_create(const struct model_shape *shape, const struct networks *networks,
                        struct predictor **out)
{
    struct run_record none = {0};
    *out = NULL;
    return create_with(&none, shape, networks, sizeof(real) == sizeof(double), out);
}

static status read_networks(struct hdf5_file *file, struct run_record *record, bool is_double,
                            struct predictor **out)
{
    struct model_shape shape;
    struct snapshot snapshot = {0};
    struct self_check check = {0};
    status outcome = recorded_model(record, &shape.config);
    if (outcome == STATUS_OK)
        outcome = model_shapes(&shape.config, &shape.gate, &shape.expert);
    if (outcome == STATUS_OK)
        outcome = snapshot_init_at_root(&snapshot, &shape, OPTIMIZER_GD, false);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_networks(file, &shape, false, &snapshot.current);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_check(file, &shape.config, &check);
    if (outcome == STATUS_OK)
        outcome = create_with(record, &shape, &snapshot.current, is_double, out);
    else
        run_record_release(record);
    if (outcome == STATUS_OK)
        outcome = self_check_verify(*out, &check, hdf5_path(file));
    if (outcome == STATUS_OK)
        outcome = conformal_scores_read(file, shape.config.n_outputs, &(*out)->scores);
    if (outcome != STATUS_OK)
        predictor_destroy(out);
    self_check_release(&check);
    snapshot_release(&snapshot);
    return outcome;
}

status predictor_open(const char *path, struct predictor **out)
{
    char found[PATH_MAX], *precision = NULL;
    struct hdf5_file *file = NULL;
    struct run_record record = {0};
    *out = NULL;
    status outcome = checkpoint_find(path, found, sizeof found);
    if (outcome == STATUS_OK)
        outcome = checkpoint_open(found, &file);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/", "precision", &precision);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_record(file, &record);
    if (outcome == STATUS_OK)
        outcome = read_networks(file, &record, strcmp(precision, "double") == 0, out);
    else
        run_record_release(&record);
    memory_free(&precision);
    if (file) {
        char text[2048];
        snprintf(text, sizeof text, "%s", status_text());
        hdf5_close(&file);
        if (outcome != STATUS_OK)
            status_set(outcome, "%s", text);
    }
    return outcome;
}

void predictor_destroy(struct predictor **predictor)
{
    if (!*predictor)
        return;
    run_record_release(&(*predictor)->record);
    gap_inputs_release(&(*predictor)->gaps);
    memory_free(&(*predictor)->told_by);
    memory_free(&(*predictor)->weights);
    memory_free(&(*predictor)->experts);
    memory_free(&(*predictor)->dispersion);
    memory_free(&(*predictor)->constant);
    memory_free(&(*predictor)->mean);
    memory_free(&(*predictor)->whitener);
    conformal_scores_release(&(*predictor)->scores);
    memory_free(predictor);
}

const struct run_record *predictor_record(const struct predictor *predictor)
{
    return &predictor->record;
}

const struct model_config *predictor_config(const struct predictor *predictor)
{
    return &predictor->shape.config;
}

size_t predictor_n_columns(const struct predictor *predictor)
{
    return predictor->gaps.n_own;
}

bool predictor_tell_gaps(const struct predictor *predictor, double *x)
{
    const struct gap_inputs *gaps = &predictor->gaps;
    bool is_known = true;
    for (size_t i = 0; i < gaps->n; i++)
        x[gaps->n_own + i] = 0;
    for (size_t c = 0; c < gaps->n_own; c++) {
        if (isnan(x[c]) && predictor->told_by[c] < gaps->n)
            x[gaps->n_own + predictor->told_by[c]] = 1;
        else
            is_known = is_known && isfinite(x[c]);
    }
    for (size_t c = 0; c < gaps->n_own; c++) /* a column of text is missing as a whole */
        if (predictor->told_by[c] < gaps->n && x[gaps->n_own + predictor->told_by[c]] == 1)
            x[c] = NAN;
    return is_known;
}

bool predictor_is_classifier(const struct predictor *predictor)
{
    return predictor->is_classifier;
}

const struct string_list *predictor_class_names(const struct predictor *predictor)
{
    const struct run_record *record = &predictor->record;
    return record->classes.n > 0 ? &record->classes : &record->target_names;
}

const struct conformal_scores *predictor_scores(const struct predictor *predictor)
{
    return &predictor->scores;
}

const struct dispersion *predictor_dispersion(const struct predictor *predictor)
{
    return predictor->dispersion;
}
