/* SPDX-License-Identifier: BSD-3-Clause */
#include "expert_likeness.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 64, FEWEST_SAMPLES = 4, MOST_REALS = 1 << 24 };

/* Fewer samples where the outputs of all experts would fill the root's memory. */
static size_t samples_compared(size_t n, size_t reals_per_sample)
{
    size_t fits = MOST_REALS / reals_per_sample;
    size_t wanted = fits > SAMPLES ? SAMPLES : fits < FEWEST_SAMPLES ? FEWEST_SAMPLES : fits;
    return n < wanted ? n : wanted;
}

status expert_likeness_init(struct expert_likeness *likeness, const struct step *step, size_t n)
{
    const struct model *model = step->model;
    memset(likeness, 0, sizeof *likeness);
    likeness->n_experts = model->config.n_experts;
    likeness->n_local = model->experts.n_local;
    likeness->n_outputs = model->config.n_outputs;
    likeness->n_samples = samples_compared(n, likeness->n_experts * likeness->n_outputs);
    likeness->interval = n / likeness->n_samples;
    likeness->row = likeness->n_samples * likeness->n_outputs;
    likeness->row += likeness->row % 2; /* rows that are gathered are multiples of 8 bytes */
    size_t at_root = model->has_gate ? likeness->n_experts : 0;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&likeness->own, likeness->n_local * likeness->row, sizeof(real)},
                  {&likeness->all, at_root * likeness->row, sizeof(real)},
                  {&likeness->dispersion, at_root, sizeof(struct dispersion)},
                  {&likeness->limit, model->has_gate ? likeness->n_outputs : 0, sizeof(double)},
                  {&likeness->same_as, at_root, sizeof(size_t)}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the report");
    return communicator_agree(step->comm, outcome);
}

void expert_likeness_release(struct expert_likeness *likeness)
{
    memory_free(&likeness->own);
    memory_free(&likeness->all);
    memory_free(&likeness->dispersion);
    memory_free(&likeness->limit);
    memory_free(&likeness->same_as);
}

void expert_likeness_add(struct expert_likeness *likeness, const struct step *step, size_t first)
{
    const struct batch *batch = &step->batch;
    size_t interval = likeness->interval, stride = batch->stride, outputs = likeness->n_outputs;
    size_t s = (first + interval - 1) / interval;
    for (; s < likeness->n_samples && s * interval < first + batch->n; s++)
        for (size_t k = 0; k < likeness->n_local; k++) {
            const real *o = experts_output(&step->model->experts, k, stride);
            real *to = likeness->own + k * likeness->row + s * outputs;
            for (size_t j = 0; j < outputs; j++)
                to[j] = o[j * stride + s * interval - first];
        }
}

/* The variance over samples and experts of output j. */
static double spread_of(const struct expert_likeness *likeness, size_t j, const bool *left_out)
{
    double n = 0, sum = 0, square = 0, about = 0;
    for (size_t e = 0; e < likeness->n_experts; e++)
        for (size_t s = 0; s < likeness->n_samples && !left_out[e]; s++) {
            double o = (double)likeness->all[e * likeness->row + s * likeness->n_outputs + j];
            /* About the first value, so that a large mean does not drown the spread. */
            about = n == 0 ? o : about;
            n++;
            sum += o - about;
            square += (o - about) * (o - about);
        }
    return n > 0 ? fmax(0, square / n - sum / n * (sum / n)) : 0;
}

/* Most pairs are told apart by their first sample. */
static bool are_alike(const struct expert_likeness *likeness, size_t e, size_t f)
{
    const real *a = likeness->all + e * likeness->row, *b = likeness->all + f * likeness->row;
    double v = likeness->dispersion[e].variance, w = likeness->dispersion[f].variance;
    if (!(fabs(v - w) <= LIKENESS_TOLERANCE * fmax(v, w)))
        return false;
    for (size_t j = 0; j < likeness->n_outputs; j++) {
        double sum = 0;
        for (size_t s = 0; s < likeness->n_samples; s++) {
            size_t at = s * likeness->n_outputs + j;
            double difference = (double)a[at] - (double)b[at];
            sum += difference * difference;
            if (!(sum <= likeness->limit[j]))
                return false;
        }
    }
    return true;
}

static void find_alike(struct expert_likeness *likeness, const bool *left_out)
{
    for (size_t j = 0; j < likeness->n_outputs; j++)
        likeness->limit[j] = LIKENESS_TOLERANCE * LIKENESS_TOLERANCE * (double)likeness->n_samples *
                             spread_of(likeness, j, left_out);
    for (size_t e = 0; e < likeness->n_experts; e++) {
        likeness->same_as[e] = e;
        for (size_t f = 0; f < e && !left_out[e] && likeness->same_as[e] == e; f++)
            if (!left_out[f] && likeness->same_as[f] == f && are_alike(likeness, e, f))
                likeness->same_as[e] = f;
    }
}

double expert_likeness_distance(const struct expert_likeness *likeness, size_t e, size_t f)
{
    const real *a = likeness->all + e * likeness->row, *b = likeness->all + f * likeness->row;
    size_t outputs = likeness->n_outputs;
    double v = likeness->dispersion[e].variance, w = likeness->dispersion[f].variance;
    double of_variances = (v - w) / fmax(v, w), sum = of_variances * of_variances;
    for (size_t j = 0; j < outputs; j++) {
        double squares = 0, per_spread = LIKENESS_TOLERANCE * LIKENESS_TOLERANCE;
        for (size_t s = 0; s < likeness->n_samples; s++) {
            double difference = (double)a[s * outputs + j] - (double)b[s * outputs + j];
            squares += difference * difference;
        }
        /* The limit is the sum of squares at which experts cease to be alike. */
        if (likeness->limit[j] > 0)
            sum += squares * per_spread / likeness->limit[j] / (double)outputs;
    }
    return sqrt(sum);
}

void expert_likeness_compare(struct expert_likeness *likeness, const struct step *step,
                             const bool *left_out)
{
    const struct model *model = step->model;
    communicator_gather_rows(step->comm, &model->shard, likeness->row * sizeof(real), likeness->own,
                             likeness->all);
    communicator_gather_rows(step->comm, &model->shard, sizeof(struct dispersion),
                             model->experts.dispersion, likeness->dispersion);
    if (model->has_gate)
        find_alike(likeness, left_out);
}
