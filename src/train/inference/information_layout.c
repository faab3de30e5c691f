/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/inference/information_layout.h"

#include "base/memory.h"
#include "math/moments.h"

#include <string.h>

/* Variances have the bias alone: a row of moments, or with one another a single one. */
static size_t block_size(const struct information_layout *layout, size_t a, size_t b)
{
    size_t units = layout->n_units;
    if (b < layout->n_linear)
        return moments_count(units, units);
    return a < layout->n_linear ? units : 1;
}

static size_t lay_out_blocks(struct information_layout *layout, size_t at)
{
    size_t m = layout->n_components;
    for (size_t a = 0; a < m; a++)
        for (size_t b = a; b < m; b++) {
            layout->block_at[a * m + b] = at;
            at += block_size(layout, a, b);
        }
    return at;
}

status information_layout_init(struct information_layout *layout, const struct model_config *config,
                               bool has_outer)
{
    size_t experts = config->n_experts;
    memset(layout, 0, sizeof *layout);
    layout->n_experts = experts;
    layout->n_outputs = config->n_outputs;
    layout->n_units = config->n_inputs + 1;
    layout->n_logits = experts > 1 ? experts : 0;
    layout->n_linear = layout->n_logits + experts * config->n_outputs;
    layout->is_learned[BY_VARIANCE] = config->variance_is_learned;
    layout->is_learned[BY_FREEDOM] = config->freedom_is_learned;
    layout->n_components = layout->n_linear;
    for (int i = 0; i < N_DISPERSIONS; i++)
        layout->n_components += layout->is_learned[i] ? experts : 0;
    layout->has_outer = has_outer;
    layout->logits_see = config->gate_inputs;
    layout->outputs_see = config->expert_inputs;
    size_t m = layout->n_components;
    status outcome = memory_alloc(&layout->block_at, m * m, sizeof(size_t), "the information");
    if (outcome != STATUS_OK)
        return outcome;
    layout->score_at = moments_count(layout->n_units, layout->n_units);
    layout->loglik_at = layout->score_at + m * layout->n_units;
    size_t first = layout->loglik_at + 1, end = lay_out_blocks(layout, first);
    layout->outer_offset = end - first;
    layout->n_sums = end + (has_outer ? layout->outer_offset : 0);
    return STATUS_OK;
}

double information_at(const struct information_layout *layout, const double *sums, bool outer,
                      size_t a, size_t u, size_t b, size_t v)
{
    size_t units = layout->n_units, m = layout->n_components;
    const double *block = sums + (outer ? layout->outer_offset : 0) +
                          (a <= b ? layout->block_at[a * m + b] : layout->block_at[b * m + a]);
    if (a < layout->n_linear && b < layout->n_linear)
        return block[u <= v ? moments_at(units, u, v) : moments_at(units, v, u)];
    return block[u + v]; /* one of them is the bias of a variance, 0 */
}

void information_layout_release(struct information_layout *layout)
{
    memory_free(&layout->block_at);
}
