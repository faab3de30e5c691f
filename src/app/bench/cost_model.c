/* SPDX-License-Identifier: BSD-3-Clause */
#include "cost_model.h"

#include "base/real.h"
#include "comm/shard.h"
#include "train/step/step.h"

#include <math.h>
#include <string.h>

const char *cost_part_name(enum cost_part part)
{
    static const char *const names[COST_N_PARTS] = {"data",     "experts", "gate",   "posterior",
                                                    "exchange", "combine", "update", "replicas"};
    return names[part];
}

void cost_shape_of(const struct model_config *config, size_t batch, struct cost_shape *shape)
{
    struct mlp gate, expert;
    memset(shape, 0, sizeof *shape);
    shape->batch = batch;
    shape->n_experts = config->n_experts;
    shape->n_outputs = config->n_outputs;
    shape->n_gathers = config->error == ERROR_MIXTURE ? 1 : 2;
    if (!model_is_routed(config) && gate_kind_of(config->gate)->is_network)
        shape->posterior_in_experts =
            model_posterior_in_experts(config) / (double)config->n_experts;
    if (model_shapes(config, &gate, &expert) == STATUS_OK) {
        shape->expert_reals = parameters_stride(&expert);
        shape->gate_reals = parameters_stride(&gate);
    }
}

double cost_floor(const struct model_config *config, size_t n_samples)
{
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    double n_computed = (double)(model_is_routed(config) ? config->top_k : config->n_experts);
    double n_idle = (double)config->n_experts - n_computed;
    double products = gate.n_layers > 1 ? 2 : 1; /* backward, of the gate's last layer */
    double gate_flops = mlp_flops(&gate);
    if (config->balance_weight == 0)
        gate_flops -= 2 * products * (double)gate.width[gate.n_layers - 1] * n_idle;
    return (double)n_samples * (n_computed * mlp_flops(&expert) + gate_flops);
}

static double mix(double share, double below, double above)
{
    return below + share * (above - below);
}

struct cost_point cost_at(const struct cost_rates *rates, size_t n)
{
    static const struct cost_point zero;
    const struct cost_point *below = &zero, *above = &rates->point[0];
    int last = rates->n_points - 1;
    for (int i = 0; i <= last && rates->point[i].samples < n; i++) {
        below = &rates->point[i];
        above = i < last ? &rates->point[i + 1] : below;
    }
    if (above == below)
        below = &zero;
    double share =
        ((double)n - (double)below->samples) / ((double)above->samples - (double)below->samples);
    struct cost_point point = {
        .samples = n,
        .data = mix(share, below->data, above->data),
        .gate_forward = mix(share, below->gate_forward, above->gate_forward),
        .gate_backward = mix(share, below->gate_backward, above->gate_backward),
        .posterior = mix(share, below->posterior, above->posterior),
        .expert_forward = mix(share, below->expert_forward, above->expert_forward),
        .expert_backward = mix(share, below->expert_backward, above->expert_backward),
        .products = mix(share, below->products, above->products),
        .combine = mix(share, below->combine, above->combine),
        .combine_once = mix(share, below->combine_once, above->combine_once)};
    return point;
}

struct cost_point cost_mean_point(const struct cost_rates *rates, int n)
{
    struct cost_point mean = {.samples = rates[0].point[0].samples};
    for (int i = 0; i < n; i++) {
        const struct cost_point *point = &rates[i].point[0];
        mean.data += point->data / n;
        mean.gate_forward += point->gate_forward / n;
        mean.gate_backward += point->gate_backward / n;
        mean.posterior += point->posterior / n;
        mean.expert_forward += point->expert_forward / n;
        mean.expert_backward += point->expert_backward / n;
        mean.products += point->products / n;
        mean.combine += point->combine / n;
        mean.combine_once += point->combine_once / n;
    }
    return mean;
}

/* A replica's ranks and the links between them. */
struct group {
    double size;                    /* S */
    const struct cost_link *link;   /* between its ranks */
    double sharing;                 /* ranks that use a host's link at once */
    const struct cost_link *slices; /* between the same shard of two replicas */
    double slices_sharing;
};

static struct group group_of(const struct cost_rates *rates, const struct cost_plan *plan)
{
    int size = plan->n_ranks / plan->n_replicas, per_host = rates->ranks_per_host;
    bool fits = size <= per_host, all_fit = plan->n_ranks <= per_host;
    struct group group = {.size = size,
                          .link = fits ? &rates->inside : &rates->between,
                          .sharing = fits ? 1 : per_host,
                          .slices = all_fit ? &rates->inside : &rates->between,
                          .slices_sharing = all_fit ? 1 : per_host};
    return group;
}

static double gather_seconds(const struct group *group, double bytes)
{
    double others = group->size - 1;
    if (others < 1)
        return 0;
    return group->link->latency + others * group->link->overhead +
           bytes * others / group->size / group->link->bandwidth;
}

static double sum_seconds(const struct group *group, double bytes)
{
    const struct cost_link *link = group->link;
    double others = group->size - 1, rounds = ceil(log2(group->size));
    double start = link->latency + link->overhead;
    double per_byte = group->sharing / link->bandwidth;
    return fmin(rounds * (start + bytes * per_byte),
                2 * rounds * start + 2 * bytes * others / group->size * per_byte);
}

static double slices_seconds(const struct cost_rates *rates, const struct group *group,
                             double n_replicas, double reals)
{
    double others = n_replicas - 1;
    if (others < 1)
        return 0;
    double start = group->slices->latency + group->slices->overhead;
    double per_byte = group->slices_sharing / group->slices->bandwidth;
    double bytes = reals * sizeof(real);
    return 2 * (others * start + bytes * others / n_replicas * per_byte) +
           others * reals / n_replicas * rates->add;
}

/* k of the formulas: the most experts that a rank other than the root has. */
static double experts_elsewhere(const struct cost_shape *shape, const struct cost_plan *plan)
{
    int others = plan->n_ranks / plan->n_replicas - 1;
    return others < 1 ? 0 : ceil((double)(shape->n_experts - plan->root_experts) / others);
}

/* One micro-batch on the ranks of a plan: what the formulas are made of, `data` left out. */
struct round {
    double root, other, experts; /* rank 0 with its gate, the others, most of what experts take */
    double posterior, gather;    /* gather(E n), which is scatter too */
    double hidden;               /* what each round but one is shorter by where ranks look ahead */
};

/* At best all that rank 0 does between the others' log-likelihoods and its scatter. */
static double hidden_seconds(const struct cost_shape *shape, double backward_elsewhere,
                             const struct round *round)
{
    double until_scatter = (double)shape->n_gathers * round->gather + round->posterior;
    double spare = round->other - fmax(round->root, backward_elsewhere);
    return fmax(fmin(spare, until_scatter), 0);
}

static struct round round_of(const struct group *group, const struct cost_shape *shape,
                             const struct cost_plan *plan, const struct cost_point *at)
{
    double n_experts = (double)shape->n_experts;
    double k0 = (double)plan->root_experts, k = experts_elsewhere(shape, plan);
    double expert = at->expert_forward + at->expert_backward;
    double bytes = n_experts * (double)plan->micro_batch * sizeof(real);
    struct round round = {.root = k0 * expert + n_experts * (at->gate_forward + at->gate_backward),
                          .other = k * expert,
                          .experts = fmax(k0, k) * expert,
                          .posterior = n_experts * at->posterior,
                          .gather = gather_seconds(group, bytes)};
    if (step_ahead_pays(shape->posterior_in_experts * n_experts, plan->root_experts, (size_t)k))
        round.hidden = hidden_seconds(shape, k * at->expert_backward, &round);
    return round;
}

double cost_step(const struct cost_rates *rates, const struct cost_shape *shape,
                 const struct cost_plan *plan, double *parts)
{
    struct group group = group_of(rates, plan);
    struct cost_point at = cost_at(rates, plan->micro_batch);
    struct round round = round_of(&group, shape, plan, &at);
    double n = (double)plan->micro_batch, m = ceil((double)shape->batch / plan->n_replicas / n);
    double k0 = (double)plan->root_experts, k = experts_elsewhere(shape, plan), most = fmax(k0, k);
    double reals = fmax(k0 * (double)shape->expert_reals + (double)shape->gate_reals,
                        k * (double)shape->expert_reals);
    double sums = 8 * ((double)(shape->n_outputs + 1) * n + 2);
    double hidden_posterior = fmin(round.hidden, round.posterior);

    double own[COST_N_PARTS];
    own[COST_DATA] = m * at.data;
    own[COST_EXPERTS] = m * round.experts;
    own[COST_GATE] = m * (fmax(round.root, round.other) - round.experts);
    own[COST_POSTERIOR] = m * round.posterior - (m - 1) * hidden_posterior;
    own[COST_EXCHANGE] = m * (double)(shape->n_gathers + 2) * round.gather -
                         (m - 1) * (round.hidden - hidden_posterior);
    own[COST_COMBINE] = m * (most * at.combine + at.combine_once + sum_seconds(&group, 16) +
                             sum_seconds(&group, sums));
    own[COST_UPDATE] = reals * rates->update;
    own[COST_REPLICAS] = slices_seconds(rates, &group, plan->n_replicas, reals);
    double total = 0;
    for (int p = 0; p < COST_N_PARTS; p++)
        total += own[p];
    if (parts)
        memcpy(parts, own, sizeof own);
    return total;
}

/* The best number of root's experts near that with which rank 0 has `extra` fewer than others. */
static void try_near(const struct cost_rates *rates, const struct cost_shape *shape,
                     struct cost_plan *trial, double extra, size_t *best, double *least)
{
    int shards = trial->n_ranks / trial->n_replicas;
    double n_experts = (double)shape->n_experts;
    double balanced = floor((n_experts + extra) / shards - extra);
    double from = fmax(balanced - 2, 0), to = fmin(fmax(balanced + 3, 1), n_experts);
    /* From above, so that of two equals the root gets the more. */
    for (long k0 = (long)to; k0 >= (long)from; k0--) {
        trial->root_experts = (size_t)k0;
        double seconds = cost_step(rates, shape, trial, NULL);
        if (seconds < *least) {
            *least = seconds;
            *best = trial->root_experts;
        }
    }
}

size_t cost_root_experts(const struct cost_rates *rates, const struct cost_shape *shape,
                         const struct cost_plan *plan)
{
    struct group group = group_of(rates, plan);
    struct cost_point at = cost_at(rates, plan->micro_batch);
    struct round round = round_of(&group, shape, plan, &at);
    double n_experts = (double)shape->n_experts;
    struct cost_plan trial = *plan;
    size_t best = 0;
    double least = INFINITY;
    if (plan->n_ranks / plan->n_replicas < 2)
        return shape->n_experts;
    double gate =
        n_experts * (at.gate_forward + at.gate_backward) / (at.expert_forward + at.expert_backward);
    double ahead = gate + (round.posterior + (double)shape->n_gathers * round.gather) /
                              (at.expert_forward + at.expert_backward);
    /* Even shards, with which nobody looks ahead; the gate in place of experts; or so few that the
     * posterior, too, is hidden. */
    try_near(rates, shape, &trial, 0, &best, &least);
    try_near(rates, shape, &trial, gate, &best, &least);
    try_near(rates, shape, &trial, ahead, &best, &least);
    return best;
}

/* Whether G replicas are a sensible use of the ranks. */
static bool replicas_fit(const struct cost_shape *shape, int n_ranks, int n_replicas)
{
    return n_ranks % n_replicas == 0 && (size_t)(n_ranks / n_replicas) <= shape->n_experts + 1 &&
           (n_replicas == 1 || shape->batch / (size_t)n_replicas >= REALS_PER_LINE);
}

/* Samples of a micro-batch if b of them are taken in equal parts of at most n. */
static size_t equal_part(size_t b, size_t n)
{
    size_t parts = (b + n - 1) / n;
    return real_padded((b + parts - 1) / parts);
}

double cost_best(const struct cost_rates *rates, const struct cost_shape *shape, int n_ranks,
                 int max_replicas, struct cost_plan *best)
{
    double least = INFINITY;
    memset(best, 0, sizeof *best);
    for (int g = 1; g <= n_ranks && g <= max_replicas; g++) {
        if (!replicas_fit(shape, n_ranks, g))
            continue;
        size_t share = (shape->batch + (size_t)g - 1) / (size_t)g;
        for (int i = 0; i < rates->n_points; i++) {
            size_t n = equal_part(share, rates->point[i].samples);
            struct cost_plan plan = {n_ranks, g, n, 0};
            plan.root_experts = cost_root_experts(rates, shape, &plan);
            double seconds = cost_step(rates, shape, &plan, NULL);
            if (seconds < least) {
                least = seconds;
                *best = plan;
            }
        }
    }
    return least;
}

enum cost_part cost_bottleneck(const double *parts, double ideal, double *seconds)
{
    enum cost_part worst = COST_EXPERTS;
    *seconds = parts[COST_EXPERTS] - ideal;
    for (int p = COST_GATE; p < COST_N_PARTS; p++)
        if (parts[p] > *seconds) {
            *seconds = parts[p];
            worst = (enum cost_part)p;
        }
    return worst;
}
