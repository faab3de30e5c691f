/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/reshape/reshape.h"

#include "reshape_gaussian.h"
#include "reshape_sums.h"

#include "base/memory.h"
#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What a block of numbers is, and so what becomes of it. */
enum meaning {
    PARAMETERS,
    GRADIENTS, /* an average of gradients: momentum, m */
    SQUARES    /* an average of their squares: v */
};

static double in_half(enum meaning meaning, double value)
{
    return meaning == PARAMETERS ? value : meaning == GRADIENTS ? value / 2 : value / 4;
}

/* u is the share of a. Equal parameters stay as they are, to the last bit. */
static double of_both(enum meaning meaning, double u, double a, double b)
{
    switch (meaning) {
    case GRADIENTS:
        return a + b;
    case SQUARES:
        return a + b + 2 * sqrt(a * b);
    case PARAMETERS:
        break;
    }
    return b + u * (a - b);
}

/* One of the pair is taken, which answers for all samples and not only for its share of them. */
static double of_one(enum meaning meaning, double share, double value)
{
    return meaning == PARAMETERS  ? value
           : meaning == GRADIENTS ? value / share
                                  : value / (share * share);
}

static double merged(enum meaning meaning, bool averages, double u, double a, double b)
{
    if (averages)
        return of_both(meaning, u, a, b);
    return u >= 0.5 ? of_one(meaning, u, a) : of_one(meaning, 1 - u, b);
}

/* Rows of n reals, `width` apart, one for each expert: those of the model before to those after. */
struct rows {
    enum meaning meaning;
    bool averages; /* in merging; else one of both is taken */
    size_t n, width_before, width_after;
};

static void move_rows(const struct reshape *reshape, const struct rows *rows, const real *from,
                      real *to)
{
    size_t place = 0;
    for (size_t e = 0; e < reshape->n_before; e++) {
        const struct reshape_expert *expert = &reshape->expert[e];
        const real *a = from + e * rows->width_before;
        const real *b = from + expert->other * rows->width_before;
        real *row = to + place * rows->width_after;
        real *twin = to + reshape_twin(reshape, e) * rows->width_after;
        if (!reshape_remains(expert))
            continue;
        for (size_t i = 0; i < rows->n; i++) {
            double value = (double)a[i];
            if (expert->action == RESHAPE_SPLIT)
                value = in_half(rows->meaning, value);
            if (expert->action == RESHAPE_MERGE)
                value = merged(rows->meaning, rows->averages, expert->share, value, (double)b[i]);
            row[i] = (real)value;
            if (expert->action == RESHAPE_SPLIT)
                twin[i] = (real)value;
        }
        place++;
    }
}

/* One number of each expert, `apart` from that of the next. */
static void move_doubles(const struct reshape *reshape, const struct rows *rows, size_t apart,
                         const double *from, double *to)
{
    size_t place = 0;
    for (size_t e = 0; e < reshape->n_before; e++) {
        const struct reshape_expert *expert = &reshape->expert[e];
        if (!reshape_remains(expert))
            continue;
        double value = from[e * apart];
        if (expert->action == RESHAPE_SPLIT)
            value = to[reshape_twin(reshape, e) * apart] = in_half(rows->meaning, value);
        if (expert->action == RESHAPE_MERGE)
            value = merged(rows->meaning, rows->averages, expert->share, value,
                           from[expert->other * apart]);
        to[apart * place++] = value;
    }
}

static void move_dispersion(const struct reshape *reshape, const struct rows *rows,
                            const struct dispersion *from, struct dispersion *to)
{
    const size_t apart = sizeof *from / sizeof(double);
    move_doubles(reshape, rows, apart, &from->variance, &to->variance);
    move_doubles(reshape, rows, apart, &from->freedom, &to->freedom);
}

/* H(u), the entropy of the shares of a pair. */
static double pair_entropy(double u)
{
    double entropy = 0;
    if (u > 0)
        entropy -= u * log(u);
    if (u < 1)
        entropy -= (1 - u) * log1p(-u);
    return entropy;
}

static void shift_biases(const struct reshape *reshape, real *bias)
{
    for (size_t e = 0; e < reshape->n_before; e++) {
        const struct reshape_expert *expert = &reshape->expert[e];
        real *own = bias + reshape_place(reshape, e);
        if (expert->action == RESHAPE_SPLIT)
            bias[reshape_twin(reshape, e)] = *own = (real)((double)*own - log(2));
        if (expert->action == RESHAPE_MERGE)
            *own = (real)((double)*own + pair_entropy(expert->share));
    }
}

/* The gate's hidden layers stay; of its last layer every expert has a row and a bias. */
static void move_network(const struct reshape *reshape, enum meaning meaning,
                         const struct model_shape *model_before, const real *from,
                         const struct model_shape *model_after, real *to)
{
    const struct mlp *before = &model_before->gate, *after = &model_after->gate;
    int last = before->n_layers - 1;
    size_t in = before->width[last];
    struct rows weights = {meaning, true, in, in, in}, biases = {meaning, true, 1, 1, 1};
    memset(to, 0, parameters_stride(after) * sizeof(real));
    memcpy(to, from, before->weight_at[last] * sizeof(real));
    move_rows(reshape, &weights, from + before->weight_at[last], to + after->weight_at[last]);
    move_rows(reshape, &biases, from + before->bias_at[last], to + after->bias_at[last]);
    if (meaning == PARAMETERS)
        shift_biases(reshape, to + after->bias_at[last]);
}

/* What twins part by in the gate: n numbers of each expert, weights of its logit or its mean. */
struct gate_rows {
    size_t at, n;
};

static struct gate_rows network_rows(const struct model_shape *model)
{
    const struct mlp *shape = &model->gate;
    int last = shape->n_layers - 1;
    return (struct gate_rows){shape->weight_at[last], shape->width[last]};
}

static void move_gaussian(const struct reshape *reshape, enum meaning meaning,
                          const struct model_shape *before, const real *from,
                          const struct model_shape *after, real *to)
{
    (void)meaning;
    (void)after;
    reshape_gaussian_gate(reshape, before->config.n_inputs, from, to);
}

static struct gate_rows gaussian_rows(const struct model_shape *model)
{
    const struct model_config *config = &model->config;
    return (struct gate_rows){gaussian_gate_layout(config->n_experts, config->n_inputs).mean_at,
                              config->n_inputs};
}

/* By enum gate_choice. NULL: not possible; of a tree the others would have to find another shape.
 */
static const struct {
    void (*move)(const struct reshape *reshape, enum meaning meaning,
                 const struct model_shape *before, const real *from,
                 const struct model_shape *after, real *to);
    struct gate_rows (*rows)(const struct model_shape *model);
} gates[GATE_KINDS] = {[GATE_SOFTMAX] = {move_network, network_rows},
                       [GATE_GAUSSIAN] = {move_gaussian, gaussian_rows}};

bool reshape_is_possible(enum gate_choice gate)
{
    return gates[gate].move;
}

static void move_networks(const struct reshape *reshape, enum meaning meaning,
                          const struct model_shape *before, const struct networks *from,
                          const struct model_shape *after, struct networks *to)
{
    size_t stride = parameters_stride(&before->expert);
    bool is_linear = before->expert.n_layers == 1;
    struct rows rows = {meaning, is_linear, stride, stride, stride};
    gates[before->config.gate].move(reshape, meaning, before, from->gate, after, to->gate);
    move_rows(reshape, &rows, from->experts, to->experts);
    move_dispersion(reshape, &rows, from->dispersion, to->dispersion);
}

/* theta + s xi and theta - s xi */
static void part(size_t n, double spread, const real *xi, real *one, real *other)
{
    for (size_t i = 0; i < n; i++) {
        double by = spread * (double)xi[i];
        one[i] = (real)((double)one[i] + by);
        other[i] = (real)((double)other[i] - by);
    }
}

/* `xi` is work space for one expert, or one row of the gate. */
static void part_twins(const struct reshape *reshape, const struct model_shape *after, real *xi,
                       struct networks *to)
{
    const struct mlp *expert = &after->expert;
    size_t stride = parameters_stride(expert);
    struct gate_rows rows = gates[after->config.gate].rows(after);
    struct mlp row;
    status outcome = mlp_init(&row, rows.n, NULL, 0, 1, expert->hidden_activation);
    COTERIE_ASSERT(outcome == STATUS_OK);
    if (after->config.n_gate_hidden == 0) /* the row is one of inputs */
        mlp_restrict(&row, &after->gate.seen);
    for (size_t e = 0; e < reshape->n_before; e++) {
        if (reshape->expert[e].action != RESHAPE_SPLIT)
            continue;
        size_t own = reshape_place(reshape, e), twin = reshape_twin(reshape, e);
        memset(xi, 0, stride * sizeof(real));
        mlp_draw(expert, reshape->seed, RNG_TWIN_EXPERT, (uint32_t)e, xi);
        input_choice_clear(&expert->seen, expert->width[0], expert->width[1],
                           xi + expert->weight_at[0]); /* an offset is drawn as 1 */
        part(stride, reshape->spread, xi, to->experts + own * stride, to->experts + twin * stride);
        mlp_draw(&row, reshape->seed, RNG_TWIN_GATE, (uint32_t)e, xi);
        real *weight = to->gate + rows.at;
        part(rows.n, reshape->spread, xi + row.weight_at[0], weight + own * rows.n,
             weight + twin * rows.n);
    }
}

status reshape_networks(const struct reshape *reshape, const struct model_shape *before,
                        const struct networks *from, const struct model_shape *after,
                        struct networks *to)
{
    size_t expert = parameters_stride(&after->expert);
    size_t row = 2 * real_padded(gates[after->config.gate].rows(after).n + 1);
    real *xi;
    status outcome = memory_alloc(&xi, expert > row ? expert : row, sizeof(real), "the experts");
    if (outcome != STATUS_OK)
        return outcome;
    move_networks(reshape, PARAMETERS, before, from, after, to);
    part_twins(reshape, after, xi, to);
    memory_free(&xi);
    return STATUS_OK;
}

/* Rows of the epoch that is measured anew are left out. */
static status copy_history(const struct history *from, int64_t before_epoch, struct history *to)
{
    status outcome = STATUS_OK;
    history_release(to);
    for (size_t i = 0; i < from->n && outcome == STATUS_OK; i++)
        if (from->record[i].epoch < before_epoch)
            outcome = history_add(to, &from->record[i]);
    return outcome;
}

static void begin_anew(struct progress *progress)
{
    progress->due_best = progress->last = MILESTONE_NONE;
    progress->error_before = INFINITY;
    progress->stale_epochs = 0;
    if (progress->batch == 0)
        progress->recorded = -1;
}

status reshape_snapshot(const struct reshape *reshape, const struct snapshot *from,
                        struct snapshot *to)
{
    const struct model_shape *before = &from->shape, *after = &to->shape;
    const struct rows use = {GRADIENTS, true, 1, 1, 1};
    status outcome = reshape_networks(reshape, before, &from->current, after, &to->current);
    for (int s = 0; s < to->n_slots; s++) {
        bool of_squares = optimizer_method_of(to->optimizer)->slot_of_squares[s];
        move_networks(reshape, of_squares ? SQUARES : GRADIENTS, before, &from->slot[s], after,
                      &to->slot[s]);
    }
    /* Shares of the mixture: halves of a split expert, the sum of a pair. */
    move_doubles(reshape, &use, 1, from->use, to->use);
    to->progress = from->progress;
    begin_anew(&to->progress);
    int64_t kept = from->progress.batch == 0 ? from->progress.epoch : INT64_MAX;
    if (outcome == STATUS_OK && to->n_sums > 0)
        outcome = reshape_sums(reshape, from, to);
    return outcome == STATUS_OK ? copy_history(&from->history, kept, &to->history) : outcome;
}
