/* SPDX-License-Identifier: BSD-3-Clause */
#include "exported_model.h"

#include "base/memory.h"
#include "data/hdf5/hdf5_file.h"
#include "predict/recorded_model.h"
#include "predict/whitener.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The data set `name` with `n` numbers in all, finite ones; *out is the caller's. */
static status read_numbers(const struct exported_model *model, const char *name, size_t n,
                           double **out)
{
    struct hdf5_shape shape;
    status outcome = hdf5_shape(model->file, name, &shape);
    uint64_t found = 1;
    for (int d = 0; d < shape.rank && outcome == STATUS_OK; d++)
        found *= shape.dims[d];
    if (outcome == STATUS_OK && (shape.rank == 0 || found != n))
        outcome = status_set(STATUS_USAGE, "%s in %s should hold %zu numbers", name,
                             hdf5_path(model->file), n);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(out, n, sizeof **out, "a model");
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(model->file, name, 0, shape.dims[0], HDF5_AS_DOUBLE, *out);
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        if (!isfinite((*out)[i]))
            outcome = status_set(STATUS_USAGE,
                                 "%s in %s holds a number that is not finite: this model predicts "
                                 "nothing; use an older checkpoint",
                                 name, hdf5_path(model->file));
    return outcome;
}

static status read_network(const struct exported_model *model, const char *group, size_t n,
                           const struct mlp *shape, struct exported_network *network)
{
    status outcome = STATUS_OK;
    network->n = n;
    network->n_layers = shape->n_layers;
    for (int l = 0; l < shape->n_layers && outcome == STATUS_OK; l++) {
        struct exported_layer *layer = &network->layer[l];
        char name[64];
        layer->in = shape->width[l];
        layer->out = shape->width[l + 1];
        snprintf(name, sizeof name, "%s/layer%d/weight", group, l);
        outcome = read_numbers(model, name, n * layer->out * layer->in, &layer->weight);
        snprintf(name, sizeof name, "%s/layer%d/bias", group, l);
        if (outcome == STATUS_OK)
            outcome = read_numbers(model, name, n * layer->out, &layer->bias);
    }
    return outcome;
}

static status read_gaussian(struct exported_model *model)
{
    size_t n = model->config.n_experts, d = model->config.n_inputs;
    double *alpha = NULL, *covariance = NULL, *work = NULL;
    status outcome = read_numbers(model, "/gate/gaussian/alpha", n, &alpha);
    if (outcome == STATUS_OK)
        outcome = read_numbers(model, "/gate/gaussian/mean", n * d, &model->mean);
    if (outcome == STATUS_OK)
        outcome = read_numbers(model, "/gate/gaussian/covariance", n * d * d, &covariance);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&model->constant, n, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&model->whiten, n * d * d, sizeof(double), "a model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&work, whitener_work(d), sizeof(double), "a model");
    for (size_t e = 0; e < n && outcome == STATUS_OK; e++)
        model->constant[e] =
            whitener_form(d, alpha[e], covariance + e * d * d, work, model->whiten + e * d * d);
    memory_free(&alpha);
    memory_free(&covariance);
    memory_free(&work);
    return outcome;
}

/* What the experts have beside their networks. */
static status read_dispersion(struct exported_model *model)
{
    size_t n = model->config.n_experts;
    const struct likelihood_family *family = likelihood_family(model->config.likelihood);
    double *variance = NULL, *freedom = NULL;
    status outcome = read_numbers(model, "/experts/variance", n, &variance);
    if (outcome == STATUS_OK && family->has_freedom)
        outcome = read_numbers(model, "/experts/freedom", n, &freedom);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&model->variance, n, sizeof *model->variance, "a model");
    if (outcome == STATUS_OK && family->mean_factor)
        outcome = memory_alloc(&model->factor, n, sizeof *model->factor, "a model");
    for (size_t e = 0; e < n && outcome == STATUS_OK; e++) {
        const struct dispersion own = {variance[e], freedom ? freedom[e] : 0};
        model->variance[e] = family->variance_terms(own);
        if (family->mean_factor && model->factor)
            model->factor[e] = family->mean_factor(own);
    }
    memory_free(&variance);
    memory_free(&freedom);
    return outcome;
}

static status read_parameters(struct exported_model *model)
{
    struct mlp gate, expert;
    size_t n = model->config.n_experts;
    status outcome = model_shapes(&model->config, &gate, &expert);
    if (outcome == STATUS_OK && gate_kind_of(model->config.gate)->is_density)
        outcome = read_gaussian(model);
    else if (outcome == STATUS_OK)
        outcome = read_network(model, "/gate", 1, &gate, &model->gate);
    if (outcome == STATUS_OK)
        outcome = read_network(model, "/experts", n, &expert, &model->experts);
    if (outcome == STATUS_OK)
        outcome = read_dispersion(model);
    return outcome;
}

/* As `predict` names its columns (app/predict/prediction_writer.c). */
static void describe(struct exported_model *model)
{
    const struct run_record *record = &model->record;
    size_t outputs = model->config.n_outputs;
    model->is_classifier = run_record_is_classifier(record);
    model->names = record->classes.n > 0 ? &record->classes : &record->target_names;
    model->two_in_one = model->is_classifier && outputs == 1 && model->names->n == 2;
    bool apart = model->config.likelihood == LIKELIHOOD_BERNOULLI && record->classes.n == 0;
    model->has_class = model->is_classifier && !apart && model->names->n > 1;
}

status exported_model_open(const char *path, bool parameters, struct exported_model *model)
{
    char found[PATH_MAX], *precision = NULL;
    memset(model, 0, sizeof *model);
    status outcome = checkpoint_find(path, found, sizeof found);
    if (outcome == STATUS_OK)
        outcome = checkpoint_open(found, &model->file);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(model->file, "/", "precision", &precision);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_record(model->file, &model->record);
    if (outcome == STATUS_OK)
        outcome = recorded_model(&model->record, &model->config);
    if (outcome == STATUS_OK)
        outcome =
            recorded_gaps(&model->record, model->config.n_inputs, &model->gaps, &model->told_by);
    if (outcome == STATUS_OK) {
        model->is_double = strcmp(precision, "double") == 0;
        describe(model);
    }
    if (outcome == STATUS_OK && parameters)
        outcome = read_parameters(model);
    memory_free(&precision);
    return outcome;
}

static void release_network(struct exported_network *network)
{
    for (int l = 0; l < network->n_layers; l++) {
        memory_free(&network->layer[l].weight);
        memory_free(&network->layer[l].bias);
    }
}

void exported_model_release(struct exported_model *model)
{
    if (model->file)
        hdf5_close(&model->file);
    release_network(&model->gate);
    release_network(&model->experts);
    memory_free(&model->constant);
    memory_free(&model->mean);
    memory_free(&model->whiten);
    memory_free(&model->variance);
    memory_free(&model->factor);
    gap_inputs_release(&model->gaps);
    memory_free(&model->told_by);
    run_record_release(&model->record);
}

size_t exported_network_width(const struct exported_network *network)
{
    size_t widest = network->n_layers > 0 ? network->layer[0].in : 0;
    for (int l = 0; l < network->n_layers; l++)
        widest = network->layer[l].out > widest ? network->layer[l].out : widest;
    return widest;
}
