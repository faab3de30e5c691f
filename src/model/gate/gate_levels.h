/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GATE_LEVELS_H
#define COTERIE_MODEL_GATE_LEVELS_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A tree of softmaxes (Jordan & Jacobs 1994): every node of level l has branches[l] branches, each
 * of which leads to a node of level l + 1; the branches of the last level are the experts. g of an
 * expert is the product of the softmaxes on its path.
 *
 * Branches are numbered level by level, the first level first, and in a level node by node; so
 * those of one node are neighbours, and the experts below a branch are, too. Blocks are (branches,
 * samples) or (E, samples), rows `stride` apart. All functions are Local.
 */
enum { GATE_MOST_LEVELS = 12, GATE_LEVELS_TEXT = 64 };

struct gate_levels {
    size_t n; /* 0: no tree */
    size_t branches[GATE_MOST_LEVELS];
};

/* "4x8": numbers from 2 on. False: the text says something else, or too much. */
bool gate_levels_read(const char *text, struct gate_levels *levels);
void gate_levels_write(const struct gate_levels *levels, char text[static GATE_LEVELS_TEXT]);

size_t gate_levels_n_experts(const struct gate_levels *levels);
/* Of all nodes; and the nodes that they belong to. */
size_t gate_levels_n_branches(const struct gate_levels *levels);
size_t gate_levels_n_nodes(const struct gate_levels *levels);

/* A node, counted as branches are: its level, its first branch, and the experts below it. */
struct gate_node {
    size_t level, branch_at, expert_at, n_experts;
};
struct gate_node gate_levels_node(const struct gate_levels *levels, size_t number);

/*
 * z of all branches -> p (softmax within each node), and z becomes log p; g and log_g of the
 * experts.
 */
void gate_levels_forward(const struct gate_levels *levels, size_t stride, real *z_to_log_p, real *p,
                         real *g, real *log_g);

/*
 * From d_logit, the gradient at log g, to that at z: with D the sum of d_logit over the experts
 * below, dE/dz_b = D_b - p_b D_node. At the root D_node is 0, as a gradient at logits sums to 0.
 */
void gate_levels_backward(const struct gate_levels *levels, size_t stride, const real *p,
                          const real *d_logit, real *d_z);

#endif
