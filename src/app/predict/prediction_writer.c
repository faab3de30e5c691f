/* SPDX-License-Identifier: BSD-3-Clause */
#include "prediction_writer.h"

#include "hdf5_names.h"

#include "base/fresh_file.h"
#include "base/memory.h"
#include "base/site.h"
#include "data/csv/csv.h"
#include "data/hdf5/hdf5_file.h"
#include "model/likelihood/likelihood.h"
#include "predict/conformal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a column of numbers shows. */
enum column_kind {
    COLUMN_ROW,
    COLUMN_Y,
    COLUMN_VARIANCE,
    COLUMN_LOWER,
    COLUMN_UPPER,
    COLUMN_P,
    COLUMN_P_OTHER,
    COLUMN_NOVELTY,
    COLUMN_G,
    COLUMN_H,
    COLUMN_EXPERT_O,
    COLUMN_EXPERT_OTHER, /* 1 - o */
    COLUMN_EXPERT_SIGMA
};

struct column {
    enum column_kind kind;
    size_t expert, output; /* those that it is about; else 0 */
};

/* A format of the file, chosen by the ending of its name. */
struct prediction_format {
    const char *endings[2];
    status (*open)(struct prediction_writer *writer);
    status (*add)(struct prediction_writer *writer, const struct prediction_block *block);
    /* Whatever happened before, and whatever of it was opened. */
    status (*close)(struct prediction_writer *writer, status so_far);
};

struct prediction_writer {
    const struct prediction_format *format;
    const struct loaded_model *loaded;
    struct prediction_extras extras;
    struct fresh_file file;
    size_t n;       /* samples */
    bool has_class; /* a column with the predicted class */
    const struct string_list *classes;
    struct string_list names;      /* of the columns of numbers */
    struct column *column;         /* (names.n) */
    struct csv_writer *csv;        /* of its format */
    struct hdf5_file *hdf5;        /* of its format */
    double *values;                /* (stride), one column of a block */
    double *mixture;               /* (E) o of one sample and target */
    struct string_list class_rows; /* HDF5: the class of every sample so far */
};

static status add_column(struct prediction_writer *writer, struct column column, const char *prefix,
                         const char *name)
{
    char text[512];
    snprintf(text, sizeof text, "%s%s%s", prefix, *name ? "_" : "", name);
    status outcome = memory_grow(&writer->column, writer->names.n, writer->names.n + 1,
                                 sizeof *writer->column, "columns");
    if (outcome == STATUS_OK) {
        writer->column[writer->names.n] = column;
        outcome = string_list_add(&writer->names, text);
    }
    return outcome;
}

static status add_experts(struct prediction_writer *writer, enum column_kind kind,
                          const char *prefix)
{
    status outcome = STATUS_OK;
    for (size_t e = 0; e < writer->loaded->problem.model.n_experts && outcome == STATUS_OK; e++) {
        char number[32];
        snprintf(number, sizeof number, "%zu", e);
        outcome = add_column(writer, (struct column){kind, e, 0}, prefix, number);
    }
    return outcome;
}

static status add_regression_columns(struct prediction_writer *writer)
{
    static const struct {
        enum column_kind kind;
        const char *prefix;
        bool is_interval;
    } columns[] = {{COLUMN_Y, "y", false},
                   {COLUMN_VARIANCE, "variance", false},
                   {COLUMN_LOWER, "lower", true},
                   {COLUMN_UPPER, "upper", true}};
    const struct string_list *targets = &writer->loaded->record.target_names;
    status outcome = STATUS_OK;
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
        for (size_t k = 0; k < targets->n && outcome == STATUS_OK; k++)
            if (!columns[c].is_interval || writer->extras.interval > 0)
                outcome = add_column(writer, (struct column){columns[c].kind, 0, k},
                                     columns[c].prefix, targets->item[k]);
    return outcome;
}

/* The columns of one expert: o and sigma by target, or its probability of each class. */
static status add_density_of(struct prediction_writer *writer, size_t e)
{
    size_t outputs = writer->loaded->problem.model.n_outputs;
    bool is_regression = writer->loaded->problem.task == TASK_REGRESSION;
    const struct string_list *names =
        is_regression ? &writer->loaded->record.target_names : writer->classes;
    bool two_of_one = outputs == 1 && names->n == 2;
    char prefix[48];
    snprintf(prefix, sizeof prefix, "%s_%zu", is_regression ? "o" : "p", e);
    status outcome = STATUS_OK;
    if (two_of_one)
        outcome =
            add_column(writer, (struct column){COLUMN_EXPERT_OTHER, e, 0}, prefix, names->item[0]);
    for (size_t k = 0; k < outputs && outcome == STATUS_OK; k++)
        outcome = add_column(writer, (struct column){COLUMN_EXPERT_O, e, k}, prefix,
                             names->item[two_of_one ? 1 : k]);
    snprintf(prefix, sizeof prefix, "sigma_%zu", e);
    const struct dispersion_row *row =
        likelihood_family(writer->loaded->problem.model.likelihood)->row;
    bool has_sigma = is_regression && row && row->has_unit;
    for (size_t k = 0; k < outputs && has_sigma && outcome == STATUS_OK; k++)
        outcome =
            add_column(writer, (struct column){COLUMN_EXPERT_SIGMA, e, k}, prefix, names->item[k]);
    return outcome;
}

static status add_density(struct prediction_writer *writer)
{
    status outcome = STATUS_OK;
    for (size_t e = 0; e < writer->loaded->problem.model.n_experts && outcome == STATUS_OK; e++)
        outcome = add_density_of(writer, e);
    return outcome;
}

static status add_target_columns(struct prediction_writer *writer)
{
    const struct run_record *record = &writer->loaded->record;
    size_t outputs = writer->loaded->problem.model.n_outputs;
    status outcome = STATUS_OK;
    if (writer->loaded->problem.task == TASK_REGRESSION)
        return add_regression_columns(writer);
    writer->classes = record->classes.n ? &record->classes : &record->target_names;
    writer->has_class = writer->classes->n == outputs ? outputs > 1 : writer->classes->n == 2;
    if (output_functions[writer->loaded->problem.model.output].decides_each &&
        likelihood_family(writer->loaded->problem.model.likelihood)->is_classifier &&
        record->classes.n == 0)
        writer->has_class = false;
    /* One logistic output is the probability of the second of two classes. */
    if (outputs == 1 && writer->classes->n == 2) {
        outcome = add_column(writer, (struct column){COLUMN_P_OTHER, 0, 0}, "p",
                             writer->classes->item[0]);
        return outcome == STATUS_OK ? add_column(writer, (struct column){COLUMN_P, 0, 0}, "p",
                                                 writer->classes->item[1])
                                    : outcome;
    }
    for (size_t k = 0; k < outputs && outcome == STATUS_OK; k++)
        outcome =
            add_column(writer, (struct column){COLUMN_P, 0, k}, "p", writer->classes->item[k]);
    return outcome;
}

/* One end of the interval of target k of sample i; not yet in the units of the data. */
static double interval_end(const struct prediction_writer *writer,
                           const struct prediction_block *block, size_t k, size_t i, bool is_upper)
{
    const struct model_config *model = &writer->loaded->problem.model;
    const struct dealt_predictions *dealt = block->dealt;
    const double *values = dealt->values + i * dealt->width;
    double *o = writer->mixture;
    for (size_t e = 0; e < model->n_experts; e++)
        o[e] = values[dealt->at.o + e * model->n_outputs + k];
    struct target_mixture mixture = {model->n_experts, values + dealt->at.g, o, dealt->dispersion};
    const struct likelihood_family *family = likelihood_family(model->likelihood);
    double tail = 0.5 * (1 - writer->extras.interval);
    if (writer->extras.factor)
        return conformal_end(family, &mixture, writer->extras.factor[k], is_upper);
    return likelihood_quantile(family, &mixture, is_upper ? 1 - tail : tail);
}

/* Whether sample i of a block lacks a value, so that nothing can be said of it. */
static bool is_incomplete(const struct prediction_writer *writer,
                          const struct prediction_block *block, size_t i)
{
    return block->incomplete && block->incomplete[writer->loaded->rows[block->first + i]];
}

/* The value of a column for sample i of a block, in the units of the data. */
static double value_of(const struct prediction_writer *writer, const struct prediction_block *block,
                       struct column column, size_t i)
{
    const struct scaler *scaler = &writer->loaded->record.scaler;
    size_t k = column.output, outputs = writer->loaded->problem.model.n_outputs;
    bool is_regression = writer->loaded->problem.task == TASK_REGRESSION;
    double scale = is_regression ? scaler->y_scale[k] : 1;
    double shift = is_regression ? scaler->y_mean[k] : 0;
    const struct dealt_predictions *dealt = block->dealt;
    const double *values = dealt->values + i * dealt->width;
    size_t of_both = dealt->at.o + column.expert * outputs + k;
    if (column.kind != COLUMN_ROW && is_incomplete(writer, block, i))
        return NAN;
    switch (column.kind) {
    case COLUMN_ROW:
        return (double)writer->loaded->rows[block->first + i];
    case COLUMN_Y:
    case COLUMN_P:
        return values[dealt->at.y + k] * scale + shift;
    case COLUMN_P_OTHER:
        return 1 - values[dealt->at.y + k];
    case COLUMN_VARIANCE:
        return values[dealt->at.variance + k] * scale * scale;
    case COLUMN_LOWER:
    case COLUMN_UPPER:
        return interval_end(writer, block, k, i, column.kind == COLUMN_UPPER) * scale + shift;
    case COLUMN_NOVELTY:
        return novelty_of(writer->extras.novelty,
                          block->x + i * writer->loaded->problem.model.n_inputs);
    case COLUMN_G:
        return values[dealt->at.g + column.expert];
    case COLUMN_H:
        return values[dealt->at.h + column.expert];
    case COLUMN_EXPERT_O:
        return values[of_both] * scale + shift;
    case COLUMN_EXPERT_OTHER:
        return 1 - values[of_both];
    case COLUMN_EXPERT_SIGMA:
        return sqrt(dealt->dispersion[column.expert].variance) * scale;
    }
    return NAN;
}

static const char *class_of(const struct prediction_writer *writer,
                            const struct prediction_block *block, size_t i)
{
    size_t outputs = writer->loaded->problem.model.n_outputs, best = 0;
    if (is_incomplete(writer, block, i))
        return "";
    const double *y = block->dealt->values + i * block->dealt->width + block->dealt->at.y;
    if (outputs == 1)
        return writer->classes->item[y[0] > 0.5];
    for (size_t k = 1; k < outputs; k++)
        if (y[k] > y[best])
            best = k;
    return writer->classes->item[best];
}

/* Whether an expert with a share in sample i has an infinite variance, wherever its mean lies. */
static bool has_no_variance(const struct prediction_writer *writer,
                            const struct prediction_block *block, size_t i)
{
    const struct model_config *model = &writer->loaded->problem.model;
    const struct dealt_predictions *dealt = block->dealt;
    const double *g = dealt->values + i * dealt->width + dealt->at.g;
    const struct likelihood_family *family = likelihood_family(model->likelihood);
    bool is_infinite = false;
    for (size_t e = 0; e < model->n_experts; e++)
        is_infinite |= g[e] > 0 && isinf(family->variance_terms(dealt->dispersion[e]).constant);
    return is_infinite;
}

/* A sample far outside the training data can make a number overflow: better no file than NaN. */
static status check_finite(const struct prediction_writer *writer,
                           const struct prediction_block *block, size_t c, size_t i, double value)
{
    /* A target that is impossible for all experts has no posterior. */
    if (isfinite(value) || writer->column[c].kind == COLUMN_H || is_incomplete(writer, block, i))
        return STATUS_OK;
    if (writer->column[c].kind == COLUMN_VARIANCE && isinf(value) &&
        has_no_variance(writer, block, i))
        return STATUS_OK;
    return status_set(STATUS_FAILED,
                      "the prediction for sample %zu is not a finite number (%s); is it far "
                      "outside the training data?",
                      block->first + i, writer->names.item[c]);
}

static status open_csv(struct prediction_writer *writer)
{
    status outcome = csv_writer_create(writer->file.unfinished, &writer->csv);
    if (outcome == STATUS_OK && writer->has_class)
        outcome = csv_writer_text(writer->csv, "class");
    for (size_t c = 0; c < writer->names.n && outcome == STATUS_OK; c++)
        outcome = csv_writer_text(writer->csv, writer->names.item[c]);
    return outcome == STATUS_OK ? csv_writer_end_row(writer->csv) : outcome;
}

static status add_to_csv(struct prediction_writer *writer, const struct prediction_block *block)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < block->n && outcome == STATUS_OK; i++) {
        if (writer->has_class)
            outcome = csv_writer_text(writer->csv, class_of(writer, block, i));
        for (size_t c = 0; c < writer->names.n && outcome == STATUS_OK; c++) {
            double value = value_of(writer, block, writer->column[c], i);
            outcome = check_finite(writer, block, c, i, value);
            if (outcome == STATUS_OK)
                outcome = csv_writer_double(writer->csv, value);
        }
        if (outcome == STATUS_OK)
            outcome = csv_writer_end_row(writer->csv);
    }
    return outcome;
}

static status close_csv(struct prediction_writer *writer, status so_far)
{
    return csv_writer_close_after(&writer->csv, so_far);
}

static status open_hdf5(struct prediction_writer *writer)
{
    const uint64_t chunk = 65536;
    uint64_t n = writer->n;
    status outcome = hdf5_names_check(writer->file.path, &writer->names);
    if (outcome == STATUS_OK)
        outcome = hdf5_create(writer->file.unfinished, &writer->hdf5);
    for (size_t c = 0; c < writer->names.n && outcome == STATUS_OK; c++)
        outcome = hdf5_create_dataset(writer->hdf5, writer->names.item[c], HDF5_AS_DOUBLE, 1, &n,
                                      n < chunk ? n : chunk);
    return outcome;
}

static status add_to_hdf5(struct prediction_writer *writer, const struct prediction_block *block)
{
    status outcome = STATUS_OK;
    for (size_t c = 0; c < writer->names.n && outcome == STATUS_OK; c++) {
        for (size_t i = 0; i < block->n && outcome == STATUS_OK; i++) {
            writer->values[i] = value_of(writer, block, writer->column[c], i);
            outcome = check_finite(writer, block, c, i, writer->values[i]);
        }
        if (outcome == STATUS_OK)
            outcome = hdf5_write_rows(writer->hdf5, writer->names.item[c], block->first, block->n,
                                      HDF5_AS_DOUBLE, writer->values);
    }
    for (size_t i = 0; i < block->n && writer->has_class && outcome == STATUS_OK; i++)
        outcome = string_list_add(&writer->class_rows, class_of(writer, block, i));
    return outcome;
}

static status close_hdf5(struct prediction_writer *writer, status so_far)
{
    status outcome = so_far;
    if (outcome == STATUS_OK && writer->has_class)
        outcome = hdf5_write_strings(writer->hdf5, "class", &writer->class_rows);
    if (outcome == STATUS_OK)
        outcome = hdf5_sync(writer->hdf5);
    return hdf5_close_after(&writer->hdf5, outcome);
}

static const struct prediction_format formats[] = {
    {{".csv"}, open_csv, add_to_csv, close_csv},
    {{".h5", ".hdf5"}, open_hdf5, add_to_hdf5, close_hdf5},
};

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static const struct prediction_format *format_of(const char *path)
{
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
        for (size_t e = 0; e < 2 && formats[f].endings[e]; e++)
            if (ends_in(path, formats[f].endings[e]))
                return &formats[f];
    return NULL;
}

static status refuse_name(const char *path)
{
    char endings[64] = "";
    for (size_t f = 0, used = 0; f < sizeof formats / sizeof *formats; f++)
        for (size_t e = 0; e < 2 && formats[f].endings[e]; e++)
            used += (size_t)snprintf(endings + used, sizeof endings - used, "%s%s",
                                     used ? ", " : "", formats[f].endings[e]);
    return status_set(STATUS_USAGE, "--output %s: the name must end in one of %s", path, endings);
}

status prediction_writer_check(const char *path)
{
    char folder[PATH_MAX];
    if (!format_of(path))
        return refuse_name(path);
    if (access(path, F_OK) == 0)
        return status_set(STATUS_USAGE, "%s exists already; remove it or choose another --output",
                          path);
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    if (access(slash ? folder : ".", W_OK | X_OK) != 0)
        return status_set(STATUS_USAGE, "cannot write %s: %s; choose another --output", path,
                          strerror(errno));
    return STATUS_OK;
}

static status open_output(struct prediction_writer *writer, const char *path)
{
    status outcome = prediction_writer_check(path);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = fresh_file_begin(&writer->file, path);
    if (outcome != STATUS_OK)
        return outcome;
    writer->format = format_of(path);
    return writer->format->open(writer);
}

static void release(struct prediction_writer **writer)
{
    string_list_release(&(*writer)->names);
    string_list_release(&(*writer)->class_rows);
    memory_free(&(*writer)->column);
    memory_free(&(*writer)->values);
    memory_free(&(*writer)->mixture);
    memory_free(writer);
}

status prediction_writer_create(const char *path, const struct loaded_model *loaded,
                                struct prediction_extras extras, struct prediction_writer **out)
{
    struct prediction_writer *writer;
    const struct dataset *dataset = &loaded->samples.dataset;
    status outcome = memory_alloc(&writer, 1, sizeof *writer, "predictions");
    *out = writer;
    if (outcome != STATUS_OK)
        return outcome;
    writer->loaded = loaded;
    writer->extras = extras;
    writer->n = dataset->shape.n;
    outcome = memory_alloc(&writer->values, loaded->micro_batch, sizeof(double), "predictions");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&writer->mixture, loaded->problem.model.n_experts, sizeof(double),
                               "predictions");
    if (outcome == STATUS_OK && extras.rows)
        outcome = add_column(writer, (struct column){COLUMN_ROW, 0, 0}, "row", "");
    if (outcome == STATUS_OK)
        outcome = add_target_columns(writer);
    if (outcome == STATUS_OK && extras.novelty)
        outcome = add_column(writer, (struct column){COLUMN_NOVELTY, 0, 0}, "novelty", "");
    if (outcome == STATUS_OK)
        outcome = add_experts(writer, COLUMN_G, "g");
    if (outcome == STATUS_OK && (dataset->shape.n_targets || dataset->label))
        outcome = add_experts(writer, COLUMN_H, "h");
    if (outcome == STATUS_OK && extras.density)
        outcome = add_density(writer);
    if (outcome == STATUS_OK)
        outcome = open_output(writer, path);
    if (outcome != STATUS_OK)
        outcome = prediction_writer_finish(out, outcome);
    return outcome;
}

status prediction_writer_add(struct prediction_writer *writer, const struct prediction_block *block)
{
    status outcome = site_file(SITE_prediction_write, writer->file.path);
    if (outcome != STATUS_OK)
        return outcome;
    return writer->format->add(writer, block);
}

status prediction_writer_finish(struct prediction_writer **writer, status so_far)
{
    struct prediction_writer *own = *writer;
    status outcome = own->format ? own->format->close(own, so_far) : so_far;
    outcome = fresh_file_end(&own->file, FRESH_FILE_IS_NEW, outcome);
    release(writer);
    return outcome;
}
