/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/chosen_rows.h"

#include "base/memory.h"

#include <string.h>

status chosen_rows_init(struct chosen_rows *rows, size_t n_inputs, size_t n_outputs,
                        size_t max_stride)
{
    memset(rows, 0, sizeof *rows);
    struct {
        real **array;
        size_t count;
    } buffers[] = {{&rows->d, n_outputs * max_stride},
                   {&rows->o, n_outputs * max_stride},
                   {&rows->loglik, max_stride},
                   {&rows->square, max_stride},
                   {&rows->coefficient, max_stride}};
    status outcome = inputs_init(&rows->x, n_inputs, max_stride);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&rows->row, max_stride, sizeof *rows->row, "chosen samples");
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(real), "chosen samples");
    return outcome;
}

void chosen_rows_release(struct chosen_rows *rows)
{
    inputs_release(&rows->x);
    memory_free(&rows->row);
    memory_free(&rows->d);
    memory_free(&rows->o);
    memory_free(&rows->loglik);
    memory_free(&rows->square);
    memory_free(&rows->coefficient);
}

/* Units by samples: the chosen columns of `from`, padded with zeros. */
static void take(const struct chosen_rows *rows, size_t units, size_t stride, const real *from,
                 real *to)
{
    for (size_t u = 0; u < units; u++) {
        real *line = to + u * rows->stride;
        for (size_t i = 0; i < rows->n; i++)
            line[i] = from[u * stride + rows->row[i]];
        memset(line + rows->n, 0, (rows->stride - rows->n) * sizeof(real));
    }
}

/* The way back, into zeros. */
static void put_back(const struct chosen_rows *rows, size_t units, size_t stride, const real *from,
                     real *to)
{
    memset(to, 0, units * stride * sizeof(real));
    for (size_t u = 0; u < units; u++)
        for (size_t i = 0; i < rows->n; i++)
            to[u * stride + rows->row[i]] = from[u * rows->stride + i];
}

/* Which samples, and their inputs. */
static void choose(struct chosen_rows *rows, const struct inputs *x, const real *g)
{
    size_t width = x->n_inputs;
    rows->n = 0;
    for (size_t i = 0; i < x->stride; i++)
        if (g[i] > 0)
            rows->row[rows->n++] = (uint32_t)i;
    rows->stride = real_padded(rows->n);
    for (size_t i = 0; i < rows->n; i++)
        memcpy(rows->x.x + i * width, x->x + rows->row[i] * width, width * sizeof(real));
    memset(rows->x.x + rows->n * width, 0, (rows->stride - rows->n) * width * sizeof(real));
    if (rows->n > 0)
        inputs_set(&rows->x, rows->stride);
}

void experts_forward_chosen(struct experts *experts, struct chosen_rows *rows,
                            const struct inputs *x, const real *d, const real *g)
{
    size_t outputs = experts->likelihood.n_outputs, stride = x->stride;
    for (size_t k = 0; k < experts->n_local; k++) {
        choose(rows, x, g + k * stride);
        if (rows->n > 0) {
            if (d)
                take(rows, outputs, stride, d, rows->d);
            mlp_plan_prepare(&experts->plan, &experts->shape, rows->stride);
            mlp_forward(&experts->shape, &experts->plan, parameters_of(&experts->parameters, k),
                        &rows->x, experts->memory + k * experts->memory_stride, experts->scratch,
                        rows->o);
            likelihood_forward(&experts->likelihood, experts->dispersion[k], rows->stride,
                               d ? rows->d : NULL, rows->o, rows->loglik, rows->square);
        }
        put_back(rows, outputs, stride, rows->o, experts_output(experts, k, stride));
        if (d) {
            put_back(rows, 1, stride, rows->loglik, experts->loglik + k * stride);
            put_back(rows, 1, stride, rows->square, experts->square + k * stride);
        }
    }
}

static void backward_of_one(struct experts *experts, size_t k, struct chosen_rows *rows,
                            size_t stride, const real *d, const real *coefficient, real keep)
{
    size_t outputs = experts->likelihood.n_outputs;
    take(rows, outputs, stride, d, rows->d);
    take(rows, outputs, stride, experts_output(experts, k, stride), rows->o);
    take(rows, 1, stride, experts->square + k * stride, rows->square);
    take(rows, 1, stride, coefficient, rows->coefficient);
    likelihood_backward(&experts->likelihood, experts->dispersion[k], rows->stride, rows->d,
                        rows->o, rows->coefficient, experts->d_z);
    mlp_plan_prepare(&experts->plan, &experts->shape, rows->stride);
    mlp_backward(&experts->shape, &experts->plan, parameters_of(&experts->parameters, k), &rows->x,
                 experts->memory + k * experts->memory_stride, experts->d_z, keep, experts->scratch,
                 parameters_gradient_of(&experts->parameters, k));
    experts_dispersion_gradient(experts, k, rows->stride, rows->d, rows->o, rows->square,
                                rows->coefficient, keep);
}

void experts_backward_chosen(struct experts *experts, struct chosen_rows *rows,
                             const struct inputs *x, const real *d, const real *g,
                             const real *coefficient, real keep)
{
    size_t stride = x->stride;
    for (size_t k = 0; k < experts->n_local; k++) {
        choose(rows, x, g + k * stride);
        if (rows->n > 0)
            backward_of_one(experts, k, rows, stride, d, coefficient + k * stride, keep);
        else if (keep == 0)
            memset(parameters_gradient_of(&experts->parameters, k), 0,
                   experts->parameters.stride * sizeof(real));
        if (experts->gradient_is_made)
            experts->gradient_is_made(experts->listener, k);
    }
}
