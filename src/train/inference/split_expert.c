/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/inference/split_expert.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

static void copy_expert(const struct information *from, size_t e, struct information *to, size_t f)
{
    size_t width = from->layout.n_units, outputs = from->layout.n_outputs;
    const double *source =
        from->parameters.weight + information_output(&from->layout, e, 0) * width;
    double *target = to->parameters.weight + information_output(&to->layout, f, 0) * width;
    memcpy(target, source, outputs * width * sizeof *target);
    to->parameters.dispersion[f] = from->parameters.dispersion[e];
    if (from->layout.n_logits == 0) /* one expert becomes two: their logits stay 0 */
        return;
    memcpy(to->parameters.weight + information_logit(&to->layout, f) * width,
           from->parameters.weight + information_logit(&from->layout, e) * width,
           width * sizeof *target);
}

void split_expert(const struct information *from, size_t e, size_t variant, struct information *to)
{
    size_t width = from->layout.n_units, outputs = from->layout.n_outputs;
    size_t last = from->layout.n_experts;
    struct rng rng;
    rng_init(&rng, 1, RNG_SPLIT_START, (uint32_t)e, (uint32_t)variant);
    memset(to->parameters.weight, 0, to->layout.n_linear * width * sizeof *to->parameters.weight);
    for (size_t f = 0; f <= last; f++)
        copy_expert(from, f < last ? f : e, to, f);
    double *one = to->parameters.weight + information_output(&to->layout, e, 0) * width;
    double *other = to->parameters.weight + information_output(&to->layout, last, 0) * width;
    double spread = sqrt(from->parameters.dispersion[e].variance);
    for (size_t i = 0; i < outputs * width; i++) {
        double drawn = 2 * rng_uniform(&rng) - 1;
        if (i % width > 0 && !input_choice_has(&from->layout.outputs_see, i % width - 1))
            continue;
        double by = spread * (variant > 0 ? drawn : i % width == 0);
        one[i] += by;
        other[i] -= by;
    }
    if (from->layout.n_logits > 0) {
        to->parameters.weight[information_logit(&to->layout, e) * width] -= log(2);
        to->parameters.weight[information_logit(&to->layout, last) * width] -= log(2);
    }
}
