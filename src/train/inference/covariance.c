/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/inference/covariance.h"

#include "base/memory.h"
#include "math/blas.h"

#include <math.h>
#include <string.h>

/* What a component's parameters are differences to, or itself if it is not free; else none. */
static size_t base_of(const struct covariance *covariance, const struct information *information,
                      size_t a)
{
    const struct information_layout *layout = &information->layout;
    if (a < layout->n_logits)
        return information_logit(layout, covariance->reference);
    if (a >= layout->n_linear || !output_functions[information->likelihood.output].is_redundant)
        return layout->n_components;
    return information_output(layout, (a - layout->n_logits) / layout->n_outputs, 0);
}

static void choose_components(struct covariance *covariance, const struct information *information)
{
    const struct information_layout *layout = &information->layout;
    for (size_t a = 0; a < layout->n_components; a++) {
        if (base_of(covariance, information, a) == a)
            continue;
        covariance->component[covariance->n_components] = a;
        covariance->first[covariance->n_components++] = covariance->n;
        covariance->n += a < layout->n_linear ? covariance_basis(covariance, layout, a)->n : 1;
    }
}

static size_t width_of(const struct covariance *covariance, size_t place)
{
    size_t next =
        place + 1 < covariance->n_components ? covariance->first[place + 1] : covariance->n;
    return next - covariance->first[place];
}

static void set_values(struct covariance *covariance, const struct information *information,
                       double *difference)
{
    const struct information_layout *layout = &information->layout;
    size_t width = layout->n_units;
    for (size_t p = 0; p < covariance->n_components; p++) {
        size_t a = covariance->component[p], base = base_of(covariance, information, a);
        double *value = covariance->value + covariance->first[p];
        if (a >= layout->n_linear) {
            size_t e;
            int which = information_which(layout, a, &e);
            *value = log(*dispersion_number(&information->parameters.dispersion[e], which));
            continue;
        }
        for (size_t u = 0; u < width; u++) {
            const double *weight = information->parameters.weight + u;
            difference[u] =
                weight[a * width] - (base < layout->n_linear ? weight[base * width] : 0);
        }
        basis_reduce(covariance_basis(covariance, layout, a), difference, value);
    }
}

/* The information, or the outer products, of the free parameters. */
static void assemble(const struct covariance *covariance, const struct information *information,
                     bool outer, double *matrix)
{
    const struct information_layout *layout = &information->layout;
    for (size_t p = 0; p < covariance->n_components; p++)
        for (size_t q = 0; q < covariance->n_components; q++) {
            size_t a = covariance->component[p], b = covariance->component[q];
            const size_t *of_a = covariance_basis(covariance, layout, a)->unit;
            const size_t *of_b = covariance_basis(covariance, layout, b)->unit;
            for (size_t i = 0; i < width_of(covariance, p); i++)
                for (size_t j = 0; j < width_of(covariance, q); j++)
                    matrix[(covariance->first[p] + i) * covariance->n + covariance->first[q] + j] =
                        information_at(layout, information->total, outer, a, of_a[i], b, of_b[j]);
        }
}

static void find_step(struct covariance *covariance, const struct information *information,
                      double *score)
{
    const struct information_layout *layout = &information->layout;
    const double *all = information->total + layout->score_at;
    size_t n = covariance->n;
    for (size_t p = 0; p < covariance->n_components; p++) {
        size_t a = covariance->component[p];
        const size_t *unit = covariance_basis(covariance, layout, a)->unit;
        for (size_t i = 0; i < width_of(covariance, p); i++)
            score[covariance->first[p] + i] = all[a * layout->n_units + unit[i]];
    }
    blas_add_products(n, 1, n, covariance->matrix, n, score, n, covariance->step, 1);
    covariance->distance = sqrt(fmax(blas_dot(n, score, covariance->step), 0));
}

/* matrix becomes V J V. */
static status make_robust(struct covariance *covariance, const struct information *information)
{
    size_t n = covariance->n;
    double *outer = NULL, *product = NULL;
    status outcome = memory_alloc(&outer, n * n, sizeof(double), "the covariance");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&product, n * n, sizeof(double), "the covariance");
    if (outcome == STATUS_OK) {
        assemble(covariance, information, true, outer);
        blas_multiply(n, n, n, covariance->matrix, n, outer, n, product, n);
        memcpy(outer, covariance->matrix, n * n * sizeof *outer);
        blas_multiply(n, n, n, product, n, outer, n, covariance->matrix, n);
    }
    memory_free(&outer);
    memory_free(&product);
    return outcome;
}

static status invert(struct covariance *covariance, const struct information *information)
{
    size_t n = covariance->n;
    double *matrix = NULL, *score = NULL;
    struct semidefinite system = {0};
    status outcome = semidefinite_init(&system, n);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&matrix, n * n, sizeof(double), "the covariance");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&score, n, sizeof(double), "the covariance");
    if (outcome == STATUS_OK) {
        assemble(covariance, information, false, matrix);
        covariance->rank =
            semidefinite_invert(&system, n, matrix, covariance->matrix, covariance->known);
        find_step(covariance, information, score);
    }
    semidefinite_release(&system);
    memory_free(&matrix);
    memory_free(&score);
    return outcome;
}

status covariance_init(struct covariance *covariance, const struct information *information,
                       size_t reference, bool is_robust)
{
    const struct information_layout *layout = &information->layout;
    size_t m = layout->n_components, width = layout->n_units;
    double *difference = NULL;
    memset(covariance, 0, sizeof *covariance);
    covariance->reference = reference;
    status outcome =
        basis_init(&covariance->of_logits, width, &layout->logits_see, information->total);
    if (outcome == STATUS_OK)
        outcome =
            basis_init(&covariance->of_outputs, width, &layout->outputs_see, information->total);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&covariance->component, m, sizeof(size_t), "the covariance");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&covariance->first, m, sizeof(size_t), "the covariance");
    if (outcome != STATUS_OK)
        return outcome;
    choose_components(covariance, information);
    size_t n = covariance->n;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&covariance->value, n, sizeof(double)},
                  {&covariance->matrix, n * n, sizeof(double)},
                  {&covariance->step, n, sizeof(double)},
                  {&covariance->known, n, sizeof(bool)},
                  {&difference, width, sizeof(double)}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the covariance");
    if (outcome == STATUS_OK)
        set_values(covariance, information, difference);
    if (outcome == STATUS_OK)
        outcome = invert(covariance, information);
    if (outcome == STATUS_OK && is_robust)
        outcome = make_robust(covariance, information);
    memory_free(&difference);
    return outcome;
}

void covariance_release(struct covariance *covariance)
{
    basis_release(&covariance->of_logits);
    basis_release(&covariance->of_outputs);
    memory_free(&covariance->component);
    memory_free(&covariance->first);
    memory_free(&covariance->value);
    memory_free(&covariance->matrix);
    memory_free(&covariance->step);
    memory_free(&covariance->known);
}

size_t covariance_find(const struct covariance *covariance, size_t component)
{
    for (size_t p = 0; p < covariance->n_components; p++)
        if (covariance->component[p] == component)
            return p;
    return covariance->n_components;
}
