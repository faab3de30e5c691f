/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_COST_MODEL_H
#define COTERIE_TRAIN_COST_MODEL_H

#include "train/step/model.h"

#include <stdbool.h>
#include <stddef.h>

/* clang-format off: the formulas stay as they are set */
/*
 * What a training step costs on R ranks, from rates that were measured on a few. All times are in
 * seconds, all functions Local.
 *
 * R = G S ranks are G replicas of S shards. A replica trains on b = B/G samples of the batch, in
 * m = ceil(b/n) micro-batches of n samples. Its rank 0 has the gate and k0 experts, the others have
 * at most k. With the rates of struct cost_point for n:
 *
 *     root    = data + k0 (forward + backward) + E (gate_forward + gate_backward)
 *     other   = data + k (forward + backward)
 *     h       = a gather(E n) + E posterior + gather(E n)             scatter costs the same
 *     round   = max(root, other) + h
 *     y       = gather(E n) + max(k0, k) combine + combine_once + 2 sum(2) or sum((O+1) n + 2)
 *     update  = update max(k0 P + P_gate, k P)
 *     slices  = exchange of the gradients with the G - 1 ranks of the other replicas
 *     step    = m round + m y + update + slices
 *
 * Between one combine and the next gather no rank waits for another: hence the maximum over a whole
 * round of backward and forward. Where ranks look ahead (step_looks_ahead) each computes the
 * forward pass of the next micro-batch before it waits for what becomes of the present one: rank 0
 * before it waits for the others, which have sent it what h begins with after their backward pass.
 * So all but one round of a step take
 *
 *     round   = max(other + gather(E n), max(root, data + k backward) + h)
 *
 * instead. a is 1 for the mixture error and 2 for the other two. Messages (latency L one way,
 * overhead o of each message at its sender or receiver, bandwidth W; w bytes):
 *
 *     gather(w) = L + (S-1) o + w (S-1)/S / W           the root takes one message after another
 *     sum(w)    = the cheaper of
 *                 ceil(log2 S) (L + o + w/W)                 recursive doubling
 *                 2 ceil(log2 S) (L + o) + 2 w (S-1)/S / W   reduce-scatter and allgather
 *     slices    = 2 ((G-1)(L + o) + w (G-1)/G / W) + G-1 additions of w/G bytes, w = gradients
 *
 * Ranks of one host share its link to others: there, W of sum and slices is divided by the ranks of
 * a host that use it at once. The formulas of the collectives are those of Thakur, Rabenseifner and
 * Gropp 2005. What is left out: contention between switches, noise of the hosts, saving, and
 * reading data.
 */
/* clang-format on */
struct cost_point {
    size_t samples;                                /* n, in a micro-batch */
    double data;                                   /* loading it */
    double gate_forward, gate_backward, posterior; /* per expert, at the root */
    double expert_forward, expert_backward;        /* per expert of a rank */
    double products;     /* of which matrix products, forward and backward, alone */
    double combine;      /* per expert of a rank: products g o in fixed point */
    double combine_once; /* clearing and converting the sums */
};

struct cost_link {
    double latency;   /* s, one way, of an empty message */
    double overhead;  /* s, from one message to the next of a stream */
    double bandwidth; /* bytes/s */
};

enum { COST_MAX_POINTS = 12 };

struct cost_rates {
    int n_points;
    struct cost_point point[COST_MAX_POINTS]; /* ascending in samples */
    double update;                            /* s per parameter */
    double add;                               /* s per number of a gradient added to another */
    struct cost_link inside, between;         /* two ranks of a host, of two hosts */
    int ranks_per_host;
};

struct cost_shape {
    size_t batch, n_experts, n_outputs;
    size_t expert_reals, gate_reals; /* parameters, padding included */
    size_t n_gathers;                /* a: numbers per sample and expert that go to the root */
    /* of a sample and expert, in units of an expert; 0: steps do not look ahead in this model */
    double posterior_in_experts;
};

struct cost_plan {
    int n_ranks, n_replicas;
    size_t micro_batch, root_experts;
};

/* Parts of the critical path; they add up to the step. */
enum cost_part {
    COST_DATA,
    COST_EXPERTS,   /* forward and backward on the rank with most of them */
    COST_GATE,      /* by how much the root, with its gate, is later than the others */
    COST_POSTERIOR, /* at the root, while the others wait; what is hidden is taken off here first */
    COST_EXCHANGE,  /* gather and scatter */
    COST_COMBINE,
    COST_UPDATE,
    COST_REPLICAS, /* gradients summed over the replicas */
    COST_N_PARTS
};

const char *cost_part_name(enum cost_part part);

void cost_shape_of(const struct model_config *config, size_t batch, struct cost_shape *shape);

/*
 * Operations of a step on a number of samples that no implementation can leave out, those of the
 * matrix products: for each sample, of the K = --top-k experts that compute it (else of all E)
 * forward, gradient of the weights and, between layers, of their inputs; of the gate the same with
 * all E outputs. With --top-k and no balance term the E - K others have no gradient: backward K
 * outputs will do. What several replicas add to each other is not counted, nor is an update.
 */
double cost_floor(const struct model_config *config, size_t n_samples);

/* The rates for micro-batches of n samples: straight lines between points, through 0 beyond. */
struct cost_point cost_at(const struct cost_rates *rates, size_t n);

/* The mean of the first points of several measurements. */
struct cost_point cost_mean_point(const struct cost_rates *rates, int n);

/* Seconds of a step by the formulas above. parts: (COST_N_PARTS), or NULL. */
double cost_step(const struct cost_rates *rates, const struct cost_shape *shape,
                 const struct cost_plan *plan, double *parts);

/* The experts of rank 0 with which the step of this plan is shortest. */
size_t cost_root_experts(const struct cost_rates *rates, const struct cost_shape *shape,
                         const struct cost_plan *plan);

/*
 * The fastest way to use n_ranks: replicas that divide the ranks and leave each at least one line
 * of samples and no rank without an expert, equal micro-batches of at most the samples of a point,
 * experts of the root.
 * max_replicas bounds the first. Returns the seconds of a step.
 */
double cost_best(const struct cost_rates *rates, const struct cost_shape *shape, int n_ranks,
                 int max_replicas, struct cost_plan *best);

/*
 * What stands most between a step and the ideal, in which nothing but experts and data takes time
 * and the experts take `ideal` seconds, evenly divided. *seconds: how much. COST_EXPERTS: shards
 * that are not even, or micro-batches too small for fast products.
 */
enum cost_part cost_bottleneck(const double *parts, double ideal, double *seconds);

#endif
