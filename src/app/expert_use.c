#include "coterie/app/expert_use.h"

#include "coterie/base/log.h"
#include "coterie/base/memory.h"
#include "coterie/math/softmax.h"

#include <stdio.h>
#include <string.h>

status expert_use_init(struct expert_use *use, size_t n_experts, size_t n_classes,
                       size_t max_stride)
{
    memset(use, 0, sizeof *use);
    use->n_experts = n_experts;
    use->n_classes = n_classes;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&use->g, n_experts, sizeof(double)},
                  {&use->h, n_experts, sizeof(double)},
                  {&use->first, n_experts, sizeof(double)},
                  {&use->of_class, n_experts * n_classes, sizeof(double)},
                  {&use->posterior, n_experts * max_stride, sizeof(real)},
                  {&use->log_sum, max_stride, sizeof(double)}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the report");
    return outcome;
}

void expert_use_release(struct expert_use *use)
{
    memory_free(&use->g);
    memory_free(&use->h);
    memory_free(&use->first);
    memory_free(&use->of_class);
    memory_free(&use->posterior);
    memory_free(&use->log_sum);
}

/* The class of sample i: the largest target, or 0 and 1 for one output. */
static size_t class_of(const struct batch *batch, size_t i)
{
    if (batch->n_outputs == 1)
        return batch->d[i] > (real)0.5;
    size_t best = 0;
    for (size_t k = 1; k < batch->n_outputs; k++)
        if (batch->d[k * batch->stride + i] > batch->d[best * batch->stride + i])
            best = k;
    return best;
}

void expert_use_add(struct expert_use *use, const struct step *step)
{
    const struct batch *batch = &step->batch;
    const struct gate *gate = &step->model->gate;
    size_t stride = batch->stride;
    if (batch->has_targets)
        softmax_posterior(use->n_experts, stride, gate->log_g, step->loglik, use->posterior,
                          use->log_sum);
    for (size_t i = 0; i < batch->n; i++) {
        size_t first = 0;
        double weight = (double)batch->weight[i];
        use->weight += weight;
        for (size_t e = 0; e < use->n_experts; e++) {
            use->g[e] += weight * (double)gate->g[e * stride + i];
            if (batch->has_targets)
                use->h[e] += weight * (double)use->posterior[e * stride + i];
            if (gate->g[e * stride + i] > gate->g[first * stride + i])
                first = e;
        }
        use->first[first]++;
        if (use->n_classes > 0 && batch->has_targets)
            use->of_class[first * use->n_classes + class_of(batch, i)]++;
    }
}

/* "iy 98, ih 3": the classes of an expert's samples, most frequent first. */
static void classes_text(const struct expert_use *use, size_t e, const struct string_list *classes,
                         char *text, size_t size)
{
    enum { SHOWN = 5 };
    size_t used = 0;
    double limit = 1e300;
    text[0] = '\0';
    for (int shown = 0; shown < SHOWN; shown++) {
        size_t best = use->n_classes;
        for (size_t c = 0; c < use->n_classes; c++) {
            double count = use->of_class[e * use->n_classes + c];
            if (count > 0 && count < limit &&
                (best == use->n_classes || count > use->of_class[e * use->n_classes + best]))
                best = c;
        }
        if (best == use->n_classes || used >= size)
            return;
        limit = use->of_class[e * use->n_classes + best];
        for (size_t c = 0; c < use->n_classes && used < size; c++)
            if (use->of_class[e * use->n_classes + c] == limit)
                used += (size_t)snprintf(text + used, size - used, "%s%s %.0f", used ? ", " : "",
                                         classes->item[c], limit);
    }
}

void expert_use_print(const struct expert_use *use, const struct string_list *classes)
{
    const double hardly = 0.001;
    size_t unused = 0;
    log_info("expert  mean g  mean h   first for%s", use->n_classes ? "  of the classes" : "");
    for (size_t e = 0; e < use->n_experts; e++) {
        char text[200] = "";
        if (use->g[e] / use->weight < hardly && use->first[e] == 0) {
            unused++;
            continue;
        }
        if (use->n_classes > 0)
            classes_text(use, e, classes, text, sizeof text);
        log_info("%6zu  %6.3f  %6.3f  %9.0f  %s", e, use->g[e] / use->weight,
                 use->h[e] / use->weight, use->first[e], text);
    }
    if (unused > 0)
        log_info("%zu of %zu experts ended unused", unused, use->n_experts);
}
