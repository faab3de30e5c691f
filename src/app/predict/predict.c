/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"

#include "prediction_writer.h"

#include "app/judge/dealt_predictions.h"
#include "app/judge/loaded_model.h"
#include "base/log.h"
#include "base/memory.h"
#include "predict/conformal.h"
#include "predict/novelty.h"
#include "train/feed/batch.h"
#include "train/feed/stream.h"

#include <string.h>

struct prediction {
    struct loaded_model *loaded;
    struct dealt_predictions dealt;
    struct prediction_writer *writer; /* root */
    struct prediction_extras extras;
    double *factor;         /* root: (O) of --conformal */
    struct novelty novelty; /* root: of --novelty */
    struct batch batch;
    real *least, *most; /* root: (D) the ranges trained on, scaled */
    size_t n_outside;   /* root: rows with an input outside */
};

/*
 * Fewer samples at once where they have many numbers each, with thousands of experts: a sample's
 * numbers do not depend on the others.
 */
static size_t samples_at_once(const struct loaded_model *loaded, bool has_experts)
{
    const size_t most_bytes = 64 << 20;
    const struct model_config *config = &loaded->problem.model;
    size_t outputs = config->n_outputs, of_expert = 2 + (has_experts ? outputs : 0);
    size_t bytes = (2 * outputs + config->n_experts * of_expert) * sizeof(double);
    size_t tiles = most_bytes / bytes / PREDICTOR_TILE;
    size_t most = (tiles > 0 ? tiles : 1) * PREDICTOR_TILE;
    return loaded->micro_batch < most ? loaded->micro_batch : most;
}

static status prediction_init(struct prediction *prediction, const struct communicator *comm)
{
    struct loaded_model *loaded = prediction->loaded;
    const struct model_config *config = &loaded->problem.model;
    const struct dataset *samples = &loaded->samples.dataset;
    bool has_targets = samples->shape.n_targets || samples->shape.has_labels;
    bool has_experts = prediction->extras.density || prediction->extras.interval > 0;
    loaded->micro_batch = samples_at_once(loaded, has_experts);
    status outcome = batch_init(&prediction->batch, config->n_inputs, config->n_outputs,
                                real_padded(loaded->micro_batch));
    outcome = communicator_agree(comm, outcome);
    return outcome == STATUS_OK ? dealt_predictions_init(&prediction->dealt, comm, loaded, true,
                                                         has_targets, has_experts)
                                : outcome;
}

/*
 * Root. The range of each input that the model was trained on. It is scaled and rounded as inputs
 * are, so that one that is inside counts as inside; in a range not known everything is.
 */
static status scale_ranges(struct prediction *prediction)
{
    const struct scaler *scaler = &prediction->loaded->record.scaler;
    size_t n = scaler->n_inputs;
    status outcome = memory_alloc(&prediction->least, n, sizeof(real), "predictions");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&prediction->most, n, sizeof(real), "predictions");
    for (size_t c = 0; c < n && outcome == STATUS_OK; c++) {
        double inverse = 1 / scaler->x_scale[c];
        real one = (real)((scaler->x_least[c] - scaler->x_mean[c]) * inverse);
        real other = (real)((scaler->x_most[c] - scaler->x_mean[c]) * inverse);
        prediction->least[c] = inverse > 0 ? one : other; /* a negative --scale turns them round */
        prediction->most[c] = inverse > 0 ? other : one;
    }
    return outcome;
}

/* Root. --conformal: what the intervals of each target are multiplied by. */
static status find_factors(struct prediction *prediction, double level)
{
    const struct loaded_model *loaded = prediction->loaded;
    size_t outputs = loaded->problem.model.n_outputs;
    struct conformal_scores scores;
    status outcome = conformal_scores_read(loaded->file, outputs, &scores);
    if (outcome == STATUS_OK && scores.n == 0)
        outcome = status_set(STATUS_USAGE,
                             "--conformal: %s has no errors of samples held out; train with "
                             "--valid 0.2, or leave it out",
                             hdf5_path(loaded->file));
    if (outcome == STATUS_OK && scores.n < conformal_least_rows(level))
        outcome = status_set(STATUS_USAGE,
                             "--conformal: %s has the errors of %zu samples held out, and "
                             "--interval %g needs %zu; hold out more (--valid), or ask for less",
                             hdf5_path(loaded->file), scores.n, level, conformal_least_rows(level));
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&prediction->factor, outputs, sizeof(double), "predictions");
    for (size_t k = 0; k < outputs && outcome == STATUS_OK; k++)
        prediction->factor[k] = conformal_factor(&scores, k, level);
    prediction->extras.factor = prediction->factor;
    conformal_scores_release(&scores);
    return outcome;
}

/* Root. --novelty */
static status find_novelty(struct prediction *prediction)
{
    const struct loaded_model *loaded = prediction->loaded;
    const struct input_spread *spread = &loaded->record.spread;
    if (spread->n_inputs == 0)
        return status_set(STATUS_USAGE,
                          "--novelty: %s does not tell how its inputs spread: it is of an older "
                          "version, or has more than %d inputs; leave the option out",
                          hdf5_path(loaded->file), SPREAD_MOST_INPUTS);
    prediction->extras.novelty = &prediction->novelty;
    return novelty_init(&prediction->novelty, spread);
}

/* Root. What columns that are not always written need to know. */
static status prepare_extras(struct prediction *prediction, const struct options *options)
{
    status outcome = scale_ranges(prediction);
    if (outcome == STATUS_OK && options->conformal)
        outcome = find_factors(prediction, options->interval);
    return outcome == STATUS_OK && options->novelty ? find_novelty(prediction) : outcome;
}

/* Root. Samples of the batch, from `first` on, with an input outside; complete ones. */
static size_t count_outside(const struct prediction *prediction, const bool *incomplete,
                            size_t first)
{
    size_t n_inputs = prediction->batch.inputs.n_inputs, outside = 0;
    const real *x = prediction->batch.inputs.x;
    for (size_t i = 0; i < prediction->batch.n; i++, x += n_inputs) {
        bool inside = true;
        for (size_t c = 0; c < n_inputs; c++)
            inside = inside && !(x[c] < prediction->least[c] || x[c] > prediction->most[c]);
        outside += !inside && !(incomplete && incomplete[prediction->loaded->rows[first + i]]);
    }
    return outside;
}

static void say_outside(size_t outside, size_t n)
{
    if (outside > 0)
        log_info("%zu of %zu rows have an input outside the range that the model was trained on: "
                 "its predictions for them are guesses",
                 outside, n);
}

/* Collective. All samples in their order; what is written is agreed on micro-batch by micro-batch.
 */
static status predict_samples(struct prediction *prediction, const struct communicator *comm)
{
    const struct loaded_model *loaded = prediction->loaded;
    const struct dataset *samples = &loaded->samples.dataset;
    status outcome = STATUS_OK;
    for (size_t at = 0; at < samples->shape.n && outcome == STATUS_OK; at += loaded->micro_batch) {
        size_t left = samples->shape.n - at;
        struct prediction_block block = {.first = at, .dealt = &prediction->dealt};
        block.n = left < loaded->micro_batch ? left : loaded->micro_batch;
        batch_load(&prediction->batch, samples, NULL, at, block.n, 1);
        dealt_predictions_compute(&prediction->dealt, comm, &prediction->batch);
        outcome = stream_status(samples->stream);
        if (comm->rank == 0 && outcome == STATUS_OK) {
            block.x = prediction->batch.inputs.x;
            block.incomplete = source_info(loaded->source)->incomplete;
            prediction->n_outside += count_outside(prediction, block.incomplete, at);
            outcome = prediction_writer_add(prediction->writer, &block);
        }
        outcome = communicator_agree(comm, outcome);
    }
    return outcome;
}

static status predict(const struct communicator *comm, const struct options *options,
                      struct loaded_model *loaded)
{
    struct prediction prediction = {.loaded = loaded,
                                    .extras = {.rows = options->part != PART_ALL,
                                               .density = options->density,
                                               .interval = options->interval}};
    status outcome = prediction_init(&prediction, comm);
    if (outcome == STATUS_OK) {
        if (comm->rank == 0)
            outcome = prepare_extras(&prediction, options);
        if (comm->rank == 0 && outcome == STATUS_OK)
            outcome = prediction_writer_create(options->output, loaded, prediction.extras,
                                               &prediction.writer);
        outcome = communicator_agree(comm, outcome);
    }
    if (outcome == STATUS_OK) {
        outcome = predict_samples(&prediction, comm);
        if (comm->rank == 0)
            outcome = prediction_writer_finish(&prediction.writer, outcome);
        outcome = communicator_agree(comm, outcome);
        if (comm->rank == 0 && outcome == STATUS_OK)
            say_outside(prediction.n_outside, loaded->samples.dataset.shape.n);
    }
    dealt_predictions_release(&prediction.dealt);
    batch_release(&prediction.batch);
    memory_free(&prediction.factor);
    novelty_release(&prediction.novelty);
    memory_free(&prediction.least);
    memory_free(&prediction.most);
    return outcome;
}

/* Collective. */
static status run_predict(const struct communicator *comm, struct options *options)
{
    struct loaded_model loaded;
    memset(&loaded, 0, sizeof loaded);
    status outcome = STATUS_OK;
    if (comm->rank == 0)
        outcome = options->conformal && options->interval == 0
                      ? status_set(STATUS_USAGE, "--conformal is a kind of interval: say with "
                                                 "--interval 0.9 how many targets it is to hold")
                      : prediction_writer_check(options->output);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = loaded_model_open(comm, options, options->positional.item[0], true, &loaded);
    if (outcome == STATUS_OK && options->interval > 0 && loaded.problem.task != TASK_REGRESSION)
        outcome = status_set(STATUS_USAGE, "--interval is for numeric targets; for classes there "
                                           "are the probabilities p_<class>");
    if (outcome == STATUS_OK)
        outcome = predict(comm, options, &loaded);
    loaded_model_release(comm, &loaded);
    return outcome;
}

const struct command_entry predict_command = {
    .name = "predict",
    .positional = {"CHECKPOINT"},
    .required = {"data", "output"},
    .usage = "coterie predict CHECKPOINT --data DATA --output FILE [options]",
    .summary = "predicts targets for new samples with a trained mixture",
    .examples = "  coterie predict run --data new.csv --output predictions.csv\n"
                "  coterie predict run --data new.csv --interval 0.9 --output predictions.csv\n"
                "  coterie predict run --data new.csv --interval 0.9 --conformal --output p.csv\n"
                "  mpirun -n 4 coterie predict run/checkpoints/best --data new.h5 --output p.h5\n",
    .run = run_predict,
};
