/* SPDX-License-Identifier: BSD-3-Clause */
#include "coterie.h"

#include "request.h"

#include "base/status.h"
#include "data/hdf5/hdf5_guest.h"
#include "model/likelihood/likelihood.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *coterie_version(void)
{
    return COTERIE_VERSION;
}

int coterie_model_open(const char *path, coterie_model **model, char *message, size_t size)
{
    struct predictor *predictor = NULL;
    if (!path || !model) {
        if (message && size)
            snprintf(message, size, "coterie_model_open: path or model is NULL");
        return COTERIE_USAGE;
    }
    struct hdf5_guest guest;
    hdf5_guest_enter(&guest);
    status outcome = predictor_open(path, &predictor);
    hdf5_guest_leave(&guest);
    *model = (coterie_model *)predictor;
    if (message && size)
        snprintf(message, size, "%s", outcome == STATUS_OK ? "" : status_text());
    return (int)outcome;
}

void coterie_model_close(coterie_model *model)
{
    struct predictor *predictor = (struct predictor *)model;
    predictor_destroy(&predictor);
}

size_t coterie_n_inputs(const coterie_model *model)
{
    return predictor_n_columns(of(model));
}

size_t coterie_n_experts(const coterie_model *model)
{
    return predictor_config(of(model))->n_experts;
}

size_t coterie_n_targets(const coterie_model *model)
{
    return predictor_is_classifier(of(model)) ? 0 : predictor_config(of(model))->n_outputs;
}

size_t coterie_n_classes(const coterie_model *model)
{
    return predictor_is_classifier(of(model)) ? predictor_class_names(of(model))->n : 0;
}

static const char *item(const struct string_list *list, size_t i)
{
    return i < list->n ? list->item[i] : NULL;
}

const char *coterie_input_name(const coterie_model *model, size_t i)
{
    return i < coterie_n_inputs(model) ? item(&predictor_record(of(model))->input_names, i) : NULL;
}

const char *coterie_target_name(const coterie_model *model, size_t i)
{
    return item(&predictor_record(of(model))->target_names, i);
}

const char *coterie_class_name(const coterie_model *model, size_t i)
{
    return coterie_n_classes(model) ? item(predictor_class_names(of(model)), i) : NULL;
}

static const char *unit(const struct string_list *units, const char *name, size_t i)
{
    return name && units->n == 0 ? "" : name ? item(units, i) : NULL;
}

const char *coterie_input_unit(const coterie_model *model, size_t i)
{
    return unit(&predictor_record(of(model))->input_units, coterie_input_name(model, i), i);
}

const char *coterie_target_unit(const coterie_model *model, size_t i)
{
    return unit(&predictor_record(of(model))->target_units, coterie_target_name(model, i), i);
}

int coterie_input_range(const coterie_model *model, size_t i, double *least, double *most)
{
    const struct scaler *scaler = &predictor_record(of(model))->scaler;
    if (i >= coterie_n_inputs(model) || !least || !most)
        return COTERIE_USAGE;
    *least = scaler->x_least[i];
    *most = scaler->x_most[i];
    return COTERIE_OK;
}

/*
 * Samples first .. first+n-1 as doubles in `row` (n, D); false if a number is not finite, and not
 * known to be missing.
 */
static bool load_rows(const struct request *request, size_t first, size_t n, double *row)
{
    const struct predictor *predictor = request->predictor;
    size_t columns = predictor_n_columns(predictor), d = predictor_config(predictor)->n_inputs;
    bool is_known = true;
    for (size_t i = first; i < first + n; i++, row += d) {
        for (size_t c = 0; c < columns; c++)
            row[c] = request->x ? request->x[i * columns + c]
                                : (double)request->x_float[i * columns + c];
        is_known &= predictor_tell_gaps(predictor, row);
    }
    return is_known;
}

/* An input that is not finite makes its own sample's results NaN, and no others'. */
static void spoil(const struct predictor *predictor, double *row, const struct predicted *block)
{
    const struct model_config *config = predictor_config(predictor);
    size_t stride = block->stride, outputs = config->n_outputs, experts = config->n_experts;
    for (size_t i = 0; i < block->n; i++) {
        bool finite = predictor_tell_gaps(predictor, row + i * config->n_inputs);
        for (size_t k = 0; k < outputs && !finite; k++)
            block->y[k * stride + i] = NAN;
        for (size_t e = 0; e < experts && !finite; e++)
            block->g[e * stride + i] = block->log_g[e * stride + i] = NAN;
        for (size_t j = 0; j < experts * outputs && !finite; j++)
            block->o[j * stride + i] = NAN;
    }
}

/* A block's rows, then the predictor's work. */
static size_t bytes_for(const struct predictor *predictor, size_t n)
{
    return n * predictor_config(predictor)->n_inputs * sizeof(double) + sizeof(double) +
           predictor_work_bytes(predictor, n);
}

static int run_with(const struct request *request, size_t at_once, void *space)
{
    const struct predictor *predictor = request->predictor;
    size_t d = predictor_config(predictor)->n_inputs;
    double *row = (double *)(((uintptr_t)space + sizeof(double) - 1) & ~(sizeof(double) - 1));
    int outcome = COTERIE_OK;
    for (size_t first = 0; first < request->n; first += at_once) {
        struct predicted block;
        size_t n = request->n - first < at_once ? request->n - first : at_once;
        bool finite = load_rows(request, first, n, row);
        predictor_compute(predictor, n, row, row + at_once * d, &block);
        if (!finite)
            spoil(predictor, row, &block);
        int result = request->visit(predictor, &block, first, request->context);
        if (outcome == COTERIE_OK)
            outcome = result != COTERIE_OK ? result : finite ? COTERIE_OK : COTERIE_NOT_FINITE;
        if (result == COTERIE_USAGE)
            return result;
    }
    return outcome;
}

static int run_on_stack(const struct request *request, size_t at_once, size_t bytes)
{
    char space[bytes];
    return run_with(request, at_once, space);
}

int request_run(const struct request *request, void *workspace)
{
    const struct predictor *predictor = request->predictor;
    /* One or two samples are computed one by one: the others of a tile would be wasted. */
    size_t at_once = request->n > 2 ? PREDICTOR_TILE : 1;
    if (!request->x && !request->x_float && request->n > 0)
        return COTERIE_USAGE;
    if (workspace)
        return run_with(request, at_once, workspace);
    size_t bytes = bytes_for(predictor, at_once);
    if (bytes > COTERIE_STACK && at_once > 1) {
        at_once = 1;
        bytes = bytes_for(predictor, at_once);
    }
    return bytes > COTERIE_STACK ? COTERIE_WORKSPACE : run_on_stack(request, at_once, bytes);
}

/* For the slopes of one sample: work, the sample, and slopes by all inputs. */
static size_t slopes_bytes(const struct predictor *predictor)
{
    const struct model_config *config = predictor_config(predictor);
    return predictor_jacobian_bytes(predictor) +
           (1 + config->n_inputs * (1 + config->n_outputs)) * sizeof(double);
}

size_t coterie_workspace(const coterie_model *model, size_t n)
{
    const struct predictor *predictor = of(model);
    size_t block = bytes_for(predictor, n > 2 ? PREDICTOR_TILE : 1);
    size_t slopes = bytes_for(predictor, 1) + slopes_bytes(predictor);
    return block > slopes ? block : slopes;
}

/* Where results go: one of the two types. */
struct place {
    double *wide;
    float *narrow;
};

static void put(struct place place, size_t at, double value)
{
    if (place.wide)
        place.wide[at] = value;
    else if (place.narrow)
        place.narrow[at] = (float)value;
}

static bool is_asked(struct place place)
{
    return place.wide || place.narrow;
}

struct outputs {
    struct place mean, variance, probability, proportion, expert;
};

static void put_probabilities(const struct predictor *predictor, const struct predicted *block,
                              const double *rows, size_t i, struct place place, size_t at)
{
    size_t classes = predictor_class_names(predictor)->n;
    bool two_in_one = predictor_config(predictor)->n_outputs < classes;
    for (size_t c = 0; c < classes; c++) {
        double p = rows[(two_in_one ? 0 : c) * block->stride + i];
        put(place, at + c, two_in_one && c == 0 ? 1 - p : p);
    }
}

static void put_experts(const struct predictor *predictor, const struct predicted *block, size_t i,
                        struct place place, size_t sample)
{
    const struct model_config *config = predictor_config(predictor);
    bool is_classifier = predictor_is_classifier(predictor);
    size_t width = is_classifier ? predictor_class_names(predictor)->n : config->n_outputs;
    for (size_t e = 0; e < config->n_experts; e++) {
        const double *rows = block->o + e * config->n_outputs * block->stride;
        size_t at = (sample * config->n_experts + e) * width;
        if (is_classifier)
            put_probabilities(predictor, block, rows, i, place, at);
        for (size_t k = 0; k < width && !is_classifier; k++)
            put(place, at + k, unscaled(predictor, k, rows[k * block->stride + i]));
    }
}

static int put_sample(const struct predictor *predictor, const struct predicted *block, size_t i,
                      size_t sample, const struct outputs *out)
{
    const struct model_config *config = predictor_config(predictor);
    const double *y_scale = predictor_record(predictor)->scaler.y_scale;
    size_t outputs = config->n_outputs, stride = block->stride, experts = config->n_experts;
    for (size_t k = 0; k < outputs && is_asked(out->mean); k++)
        put(out->mean, sample * outputs + k, unscaled(predictor, k, block->y[k * stride + i]));
    for (size_t k = 0; k < outputs && is_asked(out->variance); k++)
        put(out->variance, sample * outputs + k,
            block->variance[k * stride + i] * y_scale[k] * y_scale[k]);
    if (is_asked(out->probability))
        put_probabilities(predictor, block, block->y, i, out->probability,
                          sample * predictor_class_names(predictor)->n);
    for (size_t e = 0; e < experts; e++)
        put(out->proportion, sample * experts + e, block->g[e * stride + i]);
    if (is_asked(out->expert))
        put_experts(predictor, block, i, out->expert, sample);
    for (size_t k = 0; k < outputs; k++)
        if (!isfinite(block->y[k * stride + i]))
            return COTERIE_NOT_FINITE;
    return COTERIE_OK;
}

static int put_block(const struct predictor *predictor, const struct predicted *block, size_t first,
                     void *context)
{
    const struct outputs *out = context;
    int outcome = COTERIE_OK;
    if (is_asked(out->variance))
        predictor_variance(predictor, block);
    for (size_t i = 0; i < block->n; i++) {
        int result = put_sample(predictor, block, i, first + i, out);
        outcome = outcome == COTERIE_OK ? result : outcome;
    }
    return outcome;
}

static int predict(struct request request, struct outputs out, void *workspace)
{
    bool is_classifier = predictor_is_classifier(request.predictor);
    if (is_classifier ? is_asked(out.mean) || is_asked(out.variance) : is_asked(out.probability))
        return COTERIE_USAGE;
    request.visit = put_block;
    request.context = &out;
    return request_run(&request, workspace);
}

int coterie_predict(const coterie_model *model, size_t n, const double *x,
                    const coterie_prediction *prediction, void *workspace)
{
    if (!prediction)
        return COTERIE_USAGE;
    return predict((struct request){.predictor = of(model), .n = n, .x = x},
                   (struct outputs){{.wide = prediction->mean},
                                    {.wide = prediction->variance},
                                    {.wide = prediction->probability},
                                    {.wide = prediction->proportion},
                                    {.wide = prediction->expert}},
                   workspace);
}

int coterie_predict_float(const coterie_model *model, size_t n, const float *x,
                          const coterie_prediction_float *prediction, void *workspace)
{
    if (!prediction)
        return COTERIE_USAGE;
    return predict((struct request){.predictor = of(model), .n = n, .x_float = x},
                   (struct outputs){{.narrow = prediction->mean},
                                    {.narrow = prediction->variance},
                                    {.narrow = prediction->probability},
                                    {.narrow = prediction->proportion},
                                    {.narrow = prediction->expert}},
                   workspace);
}

struct density {
    const double *d;
    double *value;
};

/* The targets of one sample, scaled, or the 1-of-C code of its class; false for no class. */
static bool code_target(const struct predictor *predictor, const double *d, size_t sample,
                        double *target)
{
    const struct scaler *scaler = &predictor_record(predictor)->scaler;
    size_t outputs = predictor_config(predictor)->n_outputs;
    size_t classes = predictor_class_names(predictor)->n;
    if (!predictor_is_classifier(predictor)) {
        for (size_t k = 0; k < outputs; k++)
            target[k] = (d[sample * outputs + k] - scaler->y_mean[k]) / scaler->y_scale[k];
        return true;
    }
    double class = d[sample];
    if (!(class >= 0 && class < (double)classes) || class != floor(class))
        return false;
    for (size_t k = 0; k < outputs; k++)
        target[k] = outputs < classes ? class : (double)k == class;
    return true;
}

static int put_density(const struct predictor *predictor, const struct predicted *block,
                       size_t first, void *context)
{
    const struct density *density = context;
    const struct scaler *scaler = &predictor_record(predictor)->scaler;
    size_t outputs = scaler->n_targets;
    double *h = block->spare, *target = block->variance; /* both unused by densities */
    double log_scale = 0;
    for (size_t k = 0; k < outputs && !predictor_is_classifier(predictor); k++)
        log_scale += log(scaler->y_scale[k]);
    for (size_t i = 0; i < block->n; i++) {
        if (!code_target(predictor, density->d, first + i, target))
            return COTERIE_USAGE;
        double value = predictor_log_density(predictor, block, i, target, h);
        density->value[first + i] = isnan(block->y[i]) ? NAN : value - log_scale;
    }
    return COTERIE_OK;
}

int coterie_log_density(const coterie_model *model, size_t n, const double *x, const double *d,
                        double *density, void *workspace)
{
    struct density context = {d, density};
    if (n > 0 && (!d || !density))
        return COTERIE_USAGE;
    const struct request request = {
        .predictor = of(model), .n = n, .x = x, .visit = put_density, .context = &context};
    return request_run(&request, workspace);
}

/* Slopes by the columns of the data, (O, columns). What is missing has none: 0. */
static bool put_slopes(const struct predictor *predictor, const double *x, const double *slope,
                       double *to)
{
    const struct model_config *config = predictor_config(predictor);
    size_t columns = predictor_n_columns(predictor);
    bool finite = true;
    for (size_t k = 0; k < config->n_outputs; k++)
        for (size_t c = 0; c < columns; c++) {
            double value = slope[k * config->n_inputs + c];
            to[k * columns + c] = isnan(x[c]) ? 0 : value;
            finite = finite && isfinite(value);
        }
    return finite;
}

static int jacobians(const struct predictor *predictor, size_t n, const double *x, double *jacobian,
                     void *space)
{
    const struct model_config *config = predictor_config(predictor);
    size_t d = config->n_inputs, outputs = config->n_outputs;
    size_t columns = predictor_n_columns(predictor);
    bool is_classifier = predictor_is_classifier(predictor);
    size_t rows = is_classifier ? predictor_class_names(predictor)->n : outputs;
    double *row = (double *)(((uintptr_t)space + sizeof(double) - 1) & ~(sizeof(double) - 1));
    double *slope = row + d, *work = slope + outputs * d;
    int outcome = COTERIE_OK;
    for (size_t i = 0; i < n; i++, x += columns, jacobian += rows * columns) {
        /* Of two classes in one output the second comes first, and the other is its negative. */
        double *own = jacobian + (rows - outputs) * columns;
        memcpy(row, x, columns * sizeof *x);
        bool is_known = predictor_tell_gaps(predictor, row);
        predictor_jacobian(predictor, row, work, slope);
        if (!put_slopes(predictor, row, slope, own) || !is_known)
            outcome = COTERIE_NOT_FINITE;
        for (size_t c = 0; c < outputs * columns && !is_known; c++)
            own[c] = NAN;
        for (size_t c = 0; c < columns && rows > outputs; c++)
            jacobian[c] = -own[c];
    }
    return outcome;
}

static int jacobians_on_stack(const struct predictor *predictor, size_t n, const double *x,
                              double *jacobian, size_t bytes)
{
    char space[bytes];
    return jacobians(predictor, n, x, jacobian, space);
}

int coterie_jacobian(const coterie_model *model, size_t n, const double *x, double *jacobian,
                     void *workspace)
{
    const struct predictor *predictor = of(model);
    size_t bytes = slopes_bytes(predictor);
    if (n > 0 && (!x || !jacobian))
        return COTERIE_USAGE;
    if (workspace)
        return jacobians(predictor, n, x, jacobian, workspace);
    return bytes > COTERIE_STACK ? COTERIE_WORKSPACE
                                 : jacobians_on_stack(predictor, n, x, jacobian, bytes);
}
