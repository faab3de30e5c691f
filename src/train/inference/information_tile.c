/* SPDX-License-Identifier: BSD-3-Clause */
#include "information_tile.h"

#include "base/memory.h"
#include "math/blas.h"
#include "math/moments.h"
#include "math/vector_math.h"
#include "train/inference/sample_groups.h"

#include <string.h>

/* Rows of GROUPS_CHUNK doubles, of which a batch takes the first n, a multiple of 8. */
struct information_tile {
    const struct information_layout *layout; /* none of the three is owned */
    const struct likelihood *likelihood;
    const struct linear_parameters *parameters;
    double *x;         /* (W, n) x_0 = 1 */
    double *w;         /* (n) weights; 0 of padding */
    double *w_square;  /* (n) */
    double *zero;      /* (n) */
    double *d;         /* (O, n) */
    double *z;         /* (n_linear, n): ln g once the logits are normalised, and outputs */
    double *g;         /* (E, n) */
    double *h;         /* (E, n) */
    double *slope;     /* (E, C, n) */
    double *curvature; /* (E, C (C+1) / 2, n) */
    double *joint;     /* (M, n) joint scores S */
    double *score;     /* (M, n) */
    double *row;       /* (M, n) weights of the blocks of one component */
    double *spare;     /* (2, n) */
    size_t n_bends;    /* C */
    bool is_complete;  /* the complete data's information is summed */
};

status information_tile_create(const struct information_layout *layout,
                               const struct likelihood *likelihood,
                               const struct linear_parameters *parameters,
                               struct information_tile **out)
{
    size_t experts = layout->n_experts, m = layout->n_components;
    size_t c = likelihood_n_bends(likelihood);
    struct information_tile *tile;
    status outcome = memory_alloc(&tile, 1, sizeof *tile, "the information");
    if (outcome != STATUS_OK)
        return outcome;
    *out = tile;
    tile->layout = layout;
    tile->likelihood = likelihood;
    tile->parameters = parameters;
    tile->n_bends = c;
    struct {
        double **array;
        size_t rows;
    } arrays[] = {{&tile->x, layout->n_units},
                  {&tile->w, 1},
                  {&tile->w_square, 1},
                  {&tile->zero, 1},
                  {&tile->d, layout->n_outputs},
                  {&tile->z, layout->n_linear},
                  {&tile->g, experts},
                  {&tile->h, experts},
                  {&tile->slope, experts * c},
                  {&tile->curvature, experts * c * (c + 1) / 2},
                  {&tile->joint, m},
                  {&tile->score, m},
                  {&tile->row, m},
                  {&tile->spare, 2}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].rows * GROUPS_CHUNK, sizeof(double),
                               "the information");
    return outcome;
}

void information_tile_destroy(struct information_tile **out)
{
    struct information_tile *tile = *out;
    if (!tile)
        return;
    double **arrays[] = {&tile->x,     &tile->w,         &tile->w_square, &tile->zero,
                         &tile->d,     &tile->z,         &tile->g,        &tile->h,
                         &tile->slope, &tile->curvature, &tile->joint,    &tile->score,
                         &tile->row,   &tile->spare};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        memory_free(arrays[i]);
    memory_free(out);
}

/* ---- samples */

/* Padding repeats the last sample, which every likelihood can take, with weight 0. Returns n. */
static size_t take_batch(struct information_tile *tile, const struct batch *batch)
{
    const struct information_layout *layout = tile->layout;
    size_t n = (batch->n + 7) / 8 * 8, inputs = layout->n_units - 1;
    for (size_t i = 0; i < n; i++) {
        size_t sample = i < batch->n ? i : batch->n - 1;
        const real *x = batch->inputs.x + sample * inputs;
        tile->x[i] = 1;
        for (size_t u = 0; u < inputs; u++)
            tile->x[(u + 1) * n + i] = (double)x[u];
        for (size_t k = 0; k < layout->n_outputs; k++)
            tile->d[k * n + i] = (double)batch->d[k * batch->stride + sample];
        tile->w[i] = i < batch->n ? (double)batch->weight[i] : 0;
        tile->w_square[i] = tile->w[i] * tile->w[i];
    }
    return n;
}

/* ---- proportions and posteriors */

LEAF_KERNEL static void row_max(size_t n, const double *restrict z, double *restrict most)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        most[i] = z[i] > most[i] ? z[i] : most[i];
}

/* p = exp(z - most), and their sum */
LEAF_KERNEL static void row_exp(size_t n, const double *restrict most, const double *restrict z,
                                double *restrict p, double *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        p[i] = exp(z[i] - most[i]);
        sum[i] += p[i];
    }
}

LEAF_KERNEL static void row_divide(size_t n, const double *restrict sum, double *restrict p)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        p[i] /= sum[i];
}

LEAF_KERNEL static void row_subtract_log(size_t n, const double *restrict most,
                                         const double *restrict sum, double *restrict z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] -= most[i] + log(sum[i]);
}

LEAF_KERNEL static void row_add(size_t n, const double *restrict from, double *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

LEAF_KERNEL static void row_product(size_t n, const double *restrict a, const double *restrict b,
                                    double *restrict product)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        product[i] = a[i] * b[i];
}

/* p (rows, n) becomes the softmax of z, which may be p itself; z becomes ln p if it is another. */
static void softmax(struct information_tile *tile, size_t rows, size_t n, double *z, double *p)
{
    double *most = tile->spare, *sum = tile->spare + n;
    memcpy(most, z, n * sizeof *most);
    memset(sum, 0, n * sizeof *sum);
    for (size_t e = 1; e < rows; e++)
        row_max(n, z + e * n, most);
    for (size_t e = 0; e < rows; e++)
        row_exp(n, most, z + e * n, p + e * n, sum);
    for (size_t e = 0; e < rows; e++)
        row_divide(n, sum, p + e * n);
    for (size_t e = 0; e < rows && z != p; e++)
        row_subtract_log(n, most, sum, z + e * n);
}

static void find_proportions(struct information_tile *tile, size_t n)
{
    const struct information_layout *layout = tile->layout;
    size_t width = layout->n_units;
    blas_multiply(layout->n_linear, n, width, tile->parameters->weight, width, tile->x, n, tile->z,
                  n);
    if (layout->n_logits > 0)
        softmax(tile, layout->n_logits, n, tile->z, tile->g);
}

static void find_posteriors(struct information_tile *tile, size_t n)
{
    const struct information_layout *layout = tile->layout;
    size_t c = tile->n_bends, pairs = c * (c + 1) / 2;
    for (size_t e = 0; e < layout->n_experts; e++) {
        struct likelihood_bend bend = {.loglik = tile->h + e * n,
                                       .slope = tile->slope + e * c * n,
                                       .curvature = tile->curvature + e * pairs * n};
        likelihood_family(tile->likelihood->kind)
            ->bend(tile->likelihood, tile->parameters->dispersion[e], n, tile->d,
                   tile->z + information_output(layout, e, 0) * n, &bend);
        if (layout->n_logits > 0)
            row_add(n, tile->z + e * n, bend.loglik);
    }
    softmax(tile, layout->n_experts, n, tile->h, tile->h);
}

/* ---- scores, and the weights of the blocks */

/* What a component is: the logit of an expert, or the number of one of its slopes. */
struct component {
    bool is_logit;
    size_t expert, slope;
};

static struct component component_of(const struct information_layout *layout, size_t a)
{
    if (a < layout->n_logits)
        return (struct component){true, a, 0};
    if (a >= layout->n_linear) {
        size_t e, which = (size_t)information_which(layout, a, &e);
        return (struct component){false, e, layout->n_outputs + which};
    }
    size_t output = a - layout->n_logits;
    return (struct component){false, output / layout->n_outputs, output % layout->n_outputs};
}

/* u of a component: 1 of a logit, which is what the row of x_0 holds. */
static const double *slope_of(const struct information_tile *tile, struct component a, size_t n)
{
    return a.is_logit ? tile->x : tile->slope + (a.expert * tile->n_bends + a.slope) * n;
}

/* -d2 l/da db of two components of an expert, a before b. */
static const double *curvature_of(const struct information_tile *tile, struct component a,
                                  struct component b, size_t n)
{
    size_t c = tile->n_bends;
    if (a.is_logit)
        return tile->zero;
    return tile->curvature + (a.expert * c * (c + 1) / 2 + moments_at(c, a.slope, b.slope)) * n;
}

LEAF_KERNEL static void subtract(size_t n, const double *restrict from, const double *restrict what,
                                 double *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] - what[i];
}

static void find_scores(struct information_tile *tile, size_t n)
{
    const struct information_layout *layout = tile->layout;
    for (size_t a = 0; a < layout->n_components; a++) {
        struct component part = component_of(layout, a);
        double *joint = tile->joint + a * n, *score = tile->score + a * n;
        row_product(n, tile->h + part.expert * n, slope_of(tile, part, n), joint);
        subtract(n, joint, part.is_logit ? tile->g + part.expert * n : tile->zero, score);
    }
}

/* w a b */
LEAF_KERNEL static void pair_row(size_t n, const double *restrict w, const double *a,
                                 const double *b, double *restrict row)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        row[i] = w[i] * a[i] * b[i];
}

/* + w ([same] g_e - g_e g_f) */
LEAF_KERNEL static void add_logits(size_t n, double same, const double *restrict w,
                                   const double *g_e, const double *g_f, double *restrict row)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        row[i] += w[i] * g_e[i] * (same - g_f[i]);
}

/* + w h (c - u_a u_b) */
LEAF_KERNEL static void add_own(size_t n, const double *restrict w, const double *restrict h,
                                const double *restrict c, const double *u_a, const double *u_b,
                                double *restrict row)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        row[i] += w[i] * h[i] * (c[i] - u_a[i] * u_b[i]);
}

static void weigh_pair(const struct information_tile *tile, size_t n, size_t a, size_t b,
                       double *row)
{
    struct component one = component_of(tile->layout, a), other = component_of(tile->layout, b);
    bool all = !tile->is_complete; /* the scores' part, too */
    pair_row(n, tile->w, all ? tile->joint + a * n : tile->zero, tile->joint + b * n, row);
    if (one.is_logit && other.is_logit)
        add_logits(n, a == b, tile->w, tile->g + one.expert * n, tile->g + other.expert * n, row);
    if (one.expert == other.expert)
        add_own(n, tile->w, tile->h + one.expert * n, curvature_of(tile, one, other, n),
                all ? slope_of(tile, one, n) : tile->zero, slope_of(tile, other, n), row);
}

/* The blocks of component a with itself and those behind it, from their weights. */
static void add_blocks(const struct information_tile *tile, size_t n, size_t a, double *sums)
{
    const struct information_layout *layout = tile->layout;
    size_t width = layout->n_units, m = layout->n_components, linear = layout->n_linear;
    size_t count = moments_count(width, width), used = 0;
    double *at = sums + layout->block_at[a * m + a];
    if (a < linear) {
        used = linear - a;
        moments_add(used, width, width, n, tile->row, n, tile->x, n, at, count);
        at += used * count;
        moments_add(m - linear, 1, width, n, tile->row + used * n, n, tile->x, n, at, width);
    } else {
        moments_add(m - a, 1, 1, n, tile->row, n, tile->x, n, at, 1);
    }
}

/* sum w ln sum exp, of what the last softmax has left of largest and sums. */
LEAF_KERNEL static double sum_of_logs(size_t n, const double *restrict w,
                                      const double *restrict most, const double *restrict sum)
{
    double value = 0;
#pragma omp simd reduction(+ : value)
    for (size_t i = 0; i < n; i++)
        value += w[i] * (most[i] + log(sum[i]));
    return value;
}

void information_tile_add(const struct batch *batch, void *context, double *sums)
{
    struct information_tile *tile = context;
    const struct information_layout *layout = tile->layout;
    size_t n = take_batch(tile, batch), width = layout->n_units, m = layout->n_components;
    find_proportions(tile, n);
    find_posteriors(tile, n);
    sums[layout->loglik_at] += sum_of_logs(n, tile->w, tile->spare, tile->spare + n);
    find_scores(tile, n);
    moments_add(1, width, width, n, tile->w, n, tile->x, n, sums, layout->score_at);
    for (size_t a = 0; a < m; a++) {
        for (size_t b = a; b < m; b++)
            weigh_pair(tile, n, a, b, tile->row + (b - a) * n);
        add_blocks(tile, n, a, sums);
        for (size_t b = a; b < m && layout->has_outer; b++)
            pair_row(n, tile->w_square, tile->score + a * n, tile->score + b * n,
                     tile->row + (b - a) * n);
        if (layout->has_outer)
            add_blocks(tile, n, a, sums + layout->outer_offset);
    }
    for (size_t a = 0; a < m; a++)
        row_product(n, tile->w, tile->score + a * n, tile->row + a * n);
    blas_add_products(m, width, n, tile->row, n, tile->x, n, sums + layout->score_at, width);
}

void information_tile_complete(struct information_tile *tile, bool is_complete)
{
    tile->is_complete = is_complete;
}

/* The expert of sample i. */
static size_t draw_expert(const struct information_tile *tile, size_t n, size_t i, struct rng *rng)
{
    double left = rng_uniform(rng);
    size_t e = 0;
    for (; e + 1 < tile->layout->n_logits; e++) {
        left -= tile->g[e * n + i];
        if (left < 0)
            break;
    }
    return e;
}

void information_tile_draw(struct information_tile *tile, const struct batch *batch,
                           struct rng *rng, double *d)
{
    const struct information_layout *layout = tile->layout;
    size_t n = take_batch(tile, batch), outputs = layout->n_outputs;
    double *z = tile->row, *drawn = tile->row + outputs;
    find_proportions(tile, n);
    for (size_t i = 0; i < batch->n; i++) {
        size_t e = draw_expert(tile, n, i, rng);
        for (size_t k = 0; k < outputs; k++)
            z[k] = tile->z[information_output(layout, e, k) * n + i];
        likelihood_family(tile->likelihood->kind)
            ->draw(tile->likelihood, tile->parameters->dispersion[e], z, rng, drawn);
        for (size_t k = 0; k < outputs; k++)
            d[k * GROUPS_CHUNK + i] = drawn[k];
    }
}
