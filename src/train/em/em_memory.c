/* SPDX-License-Identifier: BSD-3-Clause */
/* What EM needs of memory, before there is an EM. */
#include "em_state.h"

bool em_in_closed_form(const struct model_config *config)
{
    return likelihood_family(config->likelihood)->is_closed_form &&
           !output_functions[config->output].apply && config->n_expert_hidden == 0;
}

bool em_needs_posteriors(const struct model_config *config)
{
    return em_gate_of(config)->needs_posteriors || !em_in_closed_form(config);
}

size_t em_n_chunks(size_t n, size_t micro_batch)
{
    return (n + micro_batch - 1) / micro_batch;
}

/* All micro-batches in double, if that is not much: then they are widened only once. */
size_t em_n_slots(const struct model_config *config, size_t n_chunks, size_t stride)
{
    const double most_bytes = 64 << 20;
    double rows = (double)(config->n_inputs + 1 + config->n_outputs + 1);
    return (double)n_chunks * rows * (double)stride * sizeof(double) <= most_bytes ? n_chunks : 1;
}

double em_host_bytes(const struct model_config *config, const struct em_config *em, size_t n)
{
    size_t micro_batch = em->micro_batch < n ? em->micro_batch : n;
    if (!em_needs_posteriors(config))
        return 0;
    return (double)em_n_chunks(n, micro_batch) * (double)config->n_experts *
           (double)real_padded(micro_batch) * sizeof(real);
}

double em_bytes(const struct model_config *config, const struct em_config *em,
                const struct shard *shard, int rank, size_t n)
{
    struct mlp gate, expert;
    size_t micro_batch = em->micro_batch < n ? em->micro_batch : n;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    double n_local = (double)shard_count(shard, rank), outputs = (double)config->n_outputs;
    double units = (double)config->n_inputs + 1, stride = (double)real_padded(micro_batch);
    double samples = (double)em_n_chunks(n, micro_batch) * stride, bytes = 0;
    double kept = em_is_online(em, n)
                      ? 1
                      : (double)em_n_slots(config, em_n_chunks(n, micro_batch), (size_t)stride);
    double doubles = (kept * (units + outputs + 1) + units + 1) * stride;
    doubles += em_gate_of(config)->doubles(config, shard, rank, samples, stride);
    if (config->n_expert_hidden > 0)
        bytes += n_local * (em_climb_bytes(&expert) + stride * sizeof(real));
    else if (em_in_closed_form(config))
        doubles += n_local * units * (units + outputs) + 4 * units * units;
    else
        doubles += 3 * outputs * stride + (11 + units) * outputs * units + 4 * units * units;
    return bytes + doubles * sizeof(double);
}
