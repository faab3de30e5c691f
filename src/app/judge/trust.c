/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/trust.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double trust_levels[TRUST_LEVELS] = {0.5, 0.9};

status trust_init(struct trust *trust, const struct loaded_model *loaded)
{
    const struct model_config *model = &loaded->problem.model;
    size_t n = loaded->samples.dataset.shape.n;
    bool is_regression = loaded->problem.task == TASK_REGRESSION;
    memset(trust, 0, sizeof *trust);
    /* Several logistic outputs are several decisions: there is no one class that is chosen. */
    trust->has_classes =
        !is_regression && (model->n_outputs == 1 || !output_functions[model->output].decides_each);
    trust->has_density = is_regression && !(output_functions[model->output].bound > 0);
    status outcome = memory_alloc(&trust->confidence, trust->has_classes ? n : 0,
                                  sizeof *trust->confidence, "the report");
    return outcome == STATUS_OK
               ? memory_alloc(&trust->mixture, 2 * model->n_experts, sizeof(double), "the report")
               : outcome;
}

void trust_release(struct trust *trust)
{
    memory_free(&trust->confidence);
    memory_free(&trust->mixture);
}

/* The row with the largest value in column i. */
static size_t largest(const real *values, size_t rows, size_t stride, size_t i)
{
    size_t best = 0;
    for (size_t r = 1; r < rows; r++)
        if (values[r * stride + i] > values[best * stride + i])
            best = r;
    return best;
}

static struct confidence confidence_in(const struct step *step, size_t i)
{
    const struct batch *batch = &step->batch;
    struct confidence found = {.weight = (double)batch->weight[i]};
    if (batch->n_outputs == 1) {
        double y = (double)step->y[i];
        found.probability = fmax(y, 1 - y);
        found.right = (y > 0.5) == (batch->d[i] > (real)0.5);
        return found;
    }
    size_t chosen = largest(step->y, batch->n_outputs, batch->stride, i);
    found.probability = (double)step->y[chosen * batch->stride + i];
    found.right = chosen == largest(batch->d, batch->n_outputs, batch->stride, i);
    return found;
}

/* Whether the target k lies in the central interval with the probability `level`. */
static bool is_covered(const struct trust *trust, const struct step *step,
                       const struct expert_outputs *outputs, size_t k, size_t i, double level)
{
    const struct batch *batch = &step->batch;
    const struct gate *gate = &step->model->gate;
    double *g = trust->mixture, *o = trust->mixture + gate->n_experts;
    for (size_t e = 0; e < gate->n_experts; e++) {
        g[e] = (double)gate->g[e * batch->stride + i];
        o[e] = (double)outputs->o[(e * batch->n_outputs + k) * batch->stride + i];
    }
    struct target_mixture mixture = {gate->n_experts, g, o, outputs->dispersion};
    const struct likelihood_family *family = likelihood_family(step->model->config.likelihood);
    double d = (double)batch->d[k * batch->stride + i];
    if (family->targets != TARGETS_COUNTS)
        return fabs(likelihood_cdf(family, &mixture, d) - 0.5) < 0.5 * level;
    /* From quantile to quantile: of counts such an interval holds more than its level says. */
    double tail = 0.5 * (1 - level);
    return likelihood_cdf(family, &mixture, d) >= tail &&
           likelihood_cdf(family, &mixture, d - 1) < 1 - tail;
}

static void add_coverage(struct trust *trust, const struct step *step,
                         const struct expert_outputs *outputs, size_t i)
{
    double weight = (double)step->batch.weight[i];
    for (size_t k = 0; k < step->batch.n_outputs; k++) {
        trust->weight += weight;
        for (int level = 0; level < TRUST_LEVELS; level++)
            if (is_covered(trust, step, outputs, k, i, trust_levels[level]))
                trust->covered[level] += weight;
    }
}

/* sum_e h_e ln(h_e / g_e), where ln(h_e / g_e) = l_e - ln sum_j g_j exp(l_j) */
static double divergence(const struct step *step, const real *posterior, const double *log_sum,
                         size_t i)
{
    size_t stride = step->batch.stride;
    double sum = 0;
    for (size_t e = 0; e < step->model->gate.n_experts; e++) {
        double h = (double)posterior[e * stride + i];
        if (h > 0)
            sum += h * ((double)step->loglik[e * stride + i] - log_sum[i]);
    }
    return sum;
}

static void add_disagreement(struct trust *trust, const struct disagreement *new)
{
    size_t at = trust->n_shown;
    while (at > 0 && trust->shown[at - 1].divergence < new->divergence)
        at--;
    if (at == TRUST_SHOWN)
        return;
    if (trust->n_shown < TRUST_SHOWN)
        trust->n_shown++;
    memmove(&trust->shown[at + 1], &trust->shown[at],
            (trust->n_shown - 1 - at) * sizeof trust->shown[0]);
    trust->shown[at] = *new;
}

void trust_add(struct trust *trust, const struct step *step, const struct expert_outputs *outputs,
               const real *posterior, const double *log_sum, const uint64_t *rows, size_t first)
{
    const struct gate *gate = &step->model->gate;
    for (size_t i = 0; i < step->batch.n; i++) {
        if (trust->has_classes)
            trust->confidence[trust->n] = confidence_in(step, i);
        if (trust->has_density)
            add_coverage(trust, step, outputs, i);
        struct disagreement new = {.divergence = divergence(step, posterior, log_sum, i),
                                   .sample = rows[first + i],
                                   .gate = largest(gate->g, gate->n_experts, step->batch.stride, i),
                                   .posterior =
                                       largest(posterior, gate->n_experts, step->batch.stride, i)};
        if (new.gate != new.posterior)
            add_disagreement(trust, &new);
        trust->n++;
    }
}

static int by_probability(const void *a, const void *b)
{
    const struct confidence *one = a, *other = b;
    return (one->probability > other->probability) - (one->probability < other->probability);
}

double trust_calibration_error(struct trust *trust)
{
    double error = 0, total = 0;
    qsort(trust->confidence, trust->n, sizeof *trust->confidence, by_probability);
    for (size_t bin = 0; bin < TRUST_BINS; bin++) {
        double difference = 0;
        size_t end = (bin + 1) * trust->n / TRUST_BINS;
        for (size_t i = bin * trust->n / TRUST_BINS; i < end; i++) {
            const struct confidence *one = &trust->confidence[i];
            difference += one->weight * (one->probability - one->right);
            total += one->weight;
        }
        error += fabs(difference);
    }
    return error / total;
}

double trust_coverage(const struct trust *trust, int i)
{
    return trust->covered[i] / trust->weight;
}
