/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gate_levels.h"

#include "math/softmax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool gate_levels_read(const char *text, struct gate_levels *levels)
{
    enum { MOST_EXPERTS = 1 << 20 };
    struct gate_levels read = {0};
    size_t experts = 1;
    for (const char *at = text; read.n == 0 || *at; at++) {
        char *end;
        unsigned long long number = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
        if (number < 2 || number > MOST_EXPERTS || read.n == GATE_MOST_LEVELS)
            return false;
        read.branches[read.n++] = (size_t)number;
        experts *= (size_t)number;
        if (experts > MOST_EXPERTS || (*end != 'x' && *end != '\0') || (*end && !end[1]))
            return false;
        at = end;
        if (!*at)
            break;
    }
    *levels = read;
    return true;
}

void gate_levels_write(const struct gate_levels *levels, char text[static GATE_LEVELS_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t l = 0; l < levels->n && used < GATE_LEVELS_TEXT; l++)
        used += (size_t)snprintf(text + used, GATE_LEVELS_TEXT - used, "%s%zu", l ? "x" : "",
                                 levels->branches[l]);
}

size_t gate_levels_n_experts(const struct gate_levels *levels)
{
    size_t n = 1;
    for (size_t l = 0; l < levels->n; l++)
        n *= levels->branches[l];
    return n;
}

size_t gate_levels_n_branches(const struct gate_levels *levels)
{
    size_t n = 0, of_level = 1;
    for (size_t l = 0; l < levels->n; l++)
        n += of_level *= levels->branches[l];
    return n;
}

size_t gate_levels_n_nodes(const struct gate_levels *levels)
{
    size_t n = 0, of_level = 1;
    for (size_t l = 0; l < levels->n; l++, of_level *= levels->branches[l - 1])
        n += of_level;
    return n;
}

struct gate_node gate_levels_node(const struct gate_levels *levels, size_t number)
{
    struct gate_node node = {.n_experts = gate_levels_n_experts(levels)};
    size_t nodes = 1;
    while (number >= nodes) {
        number -= nodes;
        nodes *= levels->branches[node.level];
        node.branch_at += nodes;
        node.n_experts /= levels->branches[node.level++];
    }
    node.branch_at += number * levels->branches[node.level];
    node.expert_at = number * node.n_experts;
    return node;
}

LEAF_KERNEL static void follow(size_t n, const real *restrict p, const real *restrict log_p,
                               real *restrict g, real *restrict log_g)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        g[i] *= p[i];
        log_g[i] += log_p[i];
    }
}

void gate_levels_forward(const struct gate_levels *levels, size_t stride, real *z_to_log_p, real *p,
                         real *g, real *log_g)
{
    size_t n_experts = gate_levels_n_experts(levels), n_nodes = 1, at = 0;
    for (size_t l = 0; l < levels->n; l++) {
        size_t first = at, own = levels->branches[l], below = n_experts / (n_nodes * own);
        for (size_t node = 0; node < n_nodes; node++, at += own)
            softmax_forward(own, stride, z_to_log_p + at * stride, p + at * stride,
                            z_to_log_p + at * stride);
        n_nodes *= own;
        for (size_t e = 0; e < n_experts; e++) {
            size_t row = (first + e / below) * stride;
            if (l > 0) {
                follow(stride, p + row, z_to_log_p + row, g + e * stride, log_g + e * stride);
                continue;
            }
            memcpy(g + e * stride, p + row, stride * sizeof *g);
            memcpy(log_g + e * stride, z_to_log_p + row, stride * sizeof *log_g);
        }
    }
}

LEAF_KERNEL static void add(size_t n, const real *restrict from, real *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

LEAF_KERNEL static void take_share(size_t n, const real *restrict p, const real *restrict of_node,
                                   real *restrict d)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d[i] -= p[i] * of_node[i];
}

void gate_levels_backward(const struct gate_levels *levels, size_t stride, const real *p,
                          const real *d_logit, real *d_z)
{
    size_t n_experts = gate_levels_n_experts(levels), of_level = n_experts;
    size_t first = gate_levels_n_branches(levels) - n_experts; /* of this level */
    memcpy(d_z + first * stride, d_logit, n_experts * stride * sizeof *d_z);
    /* From the last level upwards: a level's D, before its own nodes' are taken off. */
    for (size_t l = levels->n - 1; l > 0; l--) {
        size_t own = levels->branches[l], above = of_level / own, before = first - above;
        memset(d_z + before * stride, 0, above * stride * sizeof *d_z);
        for (size_t b = 0; b < of_level; b++)
            add(stride, d_z + (first + b) * stride, d_z + (before + b / own) * stride);
        for (size_t b = 0; b < of_level; b++)
            take_share(stride, p + (first + b) * stride, d_z + (before + b / own) * stride,
                       d_z + (first + b) * stride);
        first = before;
        of_level = above;
    }
}
