/* SPDX-License-Identifier: BSD-3-Clause */
#include "bootstrap.h"

#include "base/memory.h"
#include "dealt_refits.h"
#include "train/inference/refit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a refit tells: whether it converged, then of all rows estimate and interval. */
enum { CONVERGED_AT, ROWS_AT, OF_A_ROW = 3 };

struct bootstrap_work {
    const struct bootstrap_plan *plan;
    struct refit refit;
    struct scaler scaler; /* on every rank */
    size_t n_rows, width; /* doubles of a refit */
    double *all;          /* root: (n, width) */
};

static size_t count_rows(const struct information_layout *layout)
{
    size_t rows = layout->n_linear * layout->n_units;
    return rows + (layout->n_components - layout->n_linear) * layout->n_outputs;
}

static status share_scaler(const struct communicator *comm, const struct loaded_model *loaded,
                           struct scaler *scaler)
{
    const struct scaler *of_root = &loaded->record.scaler;
    size_t sizes[2] = {of_root->n_inputs, of_root->n_targets};
    communicator_broadcast(comm, sizes, sizeof sizes);
    status outcome = communicator_agree(comm, scaler_init(scaler, sizes[0], sizes[1]));
    if (outcome != STATUS_OK)
        return outcome;
    double *to[] = {scaler->x_mean, scaler->x_scale, scaler->y_mean, scaler->y_scale};
    const double *from[] = {of_root->x_mean, of_root->x_scale, of_root->y_mean, of_root->y_scale};
    for (size_t i = 0; i < 4; i++) {
        if (comm->rank == 0)
            memcpy(to[i], from[i], sizes[i / 2] * sizeof **to);
        communicator_broadcast(comm, to[i], sizes[i / 2] * sizeof **to);
    }
    return STATUS_OK;
}

static status work_init(struct bootstrap_work *work, const struct communicator *comm,
                        const struct loaded_model *loaded, struct information *information,
                        const struct bootstrap_plan *plan)
{
    work->plan = plan;
    work->n_rows = count_rows(&information->layout);
    work->width = ROWS_AT + OF_A_ROW * work->n_rows;
    status outcome = share_scaler(comm, loaded, &work->scaler);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = refit_init(&work->refit, information, &loaded->samples.dataset, plan->reference,
                         loaded->problem.model.variance_floor);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = memory_alloc(&work->all, plan->n * work->width, sizeof(double), "the bootstrap");
    return communicator_agree(comm, outcome);
}

static void work_release(struct bootstrap_work *work)
{
    refit_release(&work->refit);
    scaler_release(&work->scaler);
    memory_free(&work->all);
}

/* One refit; told (width). */
static status one_refit(void *context, size_t number, double *told)
{
    struct bootstrap_work *work = context;
    struct covariance covariance;
    struct coefficients coefficients = {0};
    refit_draw(&work->refit, work->plan->seed, (uint32_t)number);
    status outcome = refit_climb(&work->refit, &covariance);
    if (outcome == STATUS_OK && work->refit.converged)
        outcome = coefficients_init(&coefficients, work->refit.information, &covariance,
                                    &work->scaler, work->plan->level);
    told[CONVERGED_AT] = outcome == STATUS_OK && work->refit.converged;
    for (size_t i = 0; coefficients.rows && i < work->n_rows; i++) {
        const struct coefficient *row = &coefficients.rows[i];
        memcpy(told + ROWS_AT + OF_A_ROW * i, (double[]){row->estimate, row->lower, row->upper},
               OF_A_ROW * sizeof *told);
    }
    covariance_release(&covariance);
    coefficients_release(&coefficients);
    return outcome;
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/* Of sorted values: linear between them, as R's type 7. */
static double quantile(const double *values, size_t n, double p)
{
    double place = p * (double)(n - 1);
    size_t below = (size_t)place;
    double part = place - (double)below;
    return below + 1 < n ? (1 - part) * values[below] + part * values[below + 1] : values[below];
}

/* The statistics of one row; values (n) is work space. */
static void summarise_row(struct bootstrap *bootstrap, const struct bootstrap_work *work,
                          const struct coefficient *row, size_t i, double level, double *values)
{
    size_t n = 0, covered = 0;
    double mean = 0, square = 0;
    for (size_t r = 0; r < bootstrap->n; r++) {
        const double *told = work->all + r * work->width, *own = told + ROWS_AT + OF_A_ROW * i;
        if (told[CONVERGED_AT] == 0 || isnan(own[0]))
            continue;
        values[n++] = own[0];
        mean += own[0];
        covered += own[1] <= row->estimate && row->estimate <= own[2];
    }
    mean /= (double)n;
    for (size_t r = 0; r < n; r++)
        square += (values[r] - mean) * (values[r] - mean);
    qsort(values, n, sizeof *values, by_value);
    bool is_known = n > 1 && !isnan(row->estimate);
    bootstrap->error[i] = is_known ? sqrt(square / (double)(n - 1)) : NAN;
    bootstrap->lower[i] = is_known ? quantile(values, n, 0.5 - 0.5 * level) : NAN;
    bootstrap->upper[i] = is_known ? quantile(values, n, 0.5 + 0.5 * level) : NAN;
    bootstrap->coverage[i] = is_known ? (double)covered / (double)n : NAN;
}

/* Root. */
static status summarise(struct bootstrap *bootstrap, const struct bootstrap_work *work,
                        const struct bootstrap_plan *plan, const struct coefficients *coefficients)
{
    double *values = NULL;
    double **arrays[] = {&bootstrap->error, &bootstrap->lower, &bootstrap->upper,
                         &bootstrap->coverage};
    status outcome = memory_alloc(&values, plan->n, sizeof(double), "the bootstrap");
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i], work->n_rows, sizeof(double), "the bootstrap");
    bootstrap->n = plan->n;
    bootstrap->n_rows = work->n_rows;
    for (size_t r = 0; r < plan->n; r++)
        bootstrap->n_converged += work->all[r * work->width + CONVERGED_AT] != 0;
    for (size_t i = 0; i < work->n_rows && outcome == STATUS_OK; i++)
        summarise_row(bootstrap, work, &coefficients->rows[i], i, plan->level, values);
    memory_free(&values);
    return outcome;
}

status bootstrap_run(struct bootstrap *bootstrap, const struct communicator *comm,
                     const struct loaded_model *loaded, struct information *information,
                     const struct bootstrap_plan *plan, const struct coefficients *coefficients)
{
    struct bootstrap_work work = {0};
    memset(bootstrap, 0, sizeof *bootstrap);
    if (!likelihood_family(information->likelihood.kind)->draw)
        return status_set(STATUS_USAGE, "--bootstrap: there are no draws from likelihood %s",
                          likelihood_names[information->likelihood.kind]);
    if (loaded->samples.dataset.stream)
        return status_set(STATUS_USAGE,
                          "--bootstrap needs the samples in memory, and these are streamed; use "
                          "hosts with more, or fewer samples");
    status outcome = work_init(&work, comm, loaded, information, plan);
    if (outcome == STATUS_OK)
        outcome = dealt_refits(comm, plan->n, work.width, one_refit, &work, work.all);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = summarise(bootstrap, &work, plan, coefficients);
    outcome = communicator_agree(comm, outcome);
    work_release(&work);
    return outcome;
}

void bootstrap_release(struct bootstrap *bootstrap)
{
    memory_free(&bootstrap->error);
    memory_free(&bootstrap->lower);
    memory_free(&bootstrap->upper);
    memory_free(&bootstrap->coverage);
}
