/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/expert_use.h"

#include "base/log.h"
#include "base/memory.h"
#include "math/softmax.h"

#include <stdio.h>
#include <string.h>

status expert_use_init(struct expert_use *use, const struct step *step, size_t n, size_t n_classes)
{
    memset(use, 0, sizeof *use);
    size_t at_root = step->model->has_gate ? step->model->config.n_experts : 0;
    size_t stride = step->batch.max_stride;
    use->n_experts = step->model->config.n_experts;
    use->n_classes = n_classes;
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&use->g, at_root, sizeof(double)},
                  {&use->h, at_root, sizeof(double)},
                  {&use->first, at_root, sizeof(double)},
                  {&use->of_class, at_root * n_classes, sizeof(double)},
                  {&use->is_unused, at_root, sizeof(bool)},
                  {&use->chosen, at_root, sizeof(bool)},
                  {&use->posterior, at_root * stride, sizeof(real)},
                  {&use->log_sum, at_root > 0 ? stride : 0, sizeof(double)}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "the report");
    outcome = communicator_agree(step->comm, outcome);
    return outcome == STATUS_OK ? expert_likeness_init(&use->likeness, step, n) : outcome;
}

void expert_use_release(struct expert_use *use)
{
    memory_free(&use->g);
    memory_free(&use->h);
    memory_free(&use->first);
    memory_free(&use->of_class);
    memory_free(&use->is_unused);
    memory_free(&use->chosen);
    memory_free(&use->posterior);
    memory_free(&use->log_sum);
    expert_likeness_release(&use->likeness);
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

void expert_use_add(struct expert_use *use, const struct step *step, size_t first_sample)
{
    expert_likeness_add(&use->likeness, step, first_sample);
    if (!step->model->has_gate)
        return;
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

/* The class of most samples after class `last` of those of an expert; n if there is none. */
static size_t next_class(const double *count, size_t n, size_t last)
{
    size_t best = n;
    for (size_t c = 0; c < n; c++) {
        bool is_later = last == n || (c > last ? count[c] <= count[last] : count[c] < count[last]);
        if (count[c] > 0 && is_later && (best == n || count[c] > count[best]))
            best = c;
    }
    return best;
}

/* "iy 98, ih 3": the classes of an expert's samples, most frequent first, or the first of many. */
static void classes_text(const struct expert_use *use, size_t e, const struct string_list *classes,
                         char *text, size_t size)
{
    enum { SHOWN = 8 };
    size_t n = use->n_classes, last = n, left = 0, used = 0;
    const double *count = use->of_class + e * n;
    text[0] = '\0';
    for (size_t c = 0; c < n; c++)
        left += count[c] > 0;
    for (int shown = 0; shown < SHOWN && left > 0 && used < size; shown++, left--) {
        last = next_class(count, n, last);
        used += (size_t)snprintf(text + used, size - used, "%s%s %.0f", used ? ", " : "",
                                 classes->item[last], count[last]);
    }
    if (left > 0 && used < size)
        snprintf(text + used, size - used, " and %zu more", left);
}

double expert_use_least(const struct expert_use *use)
{
    return 0.01 / (double)use->n_experts;
}

void expert_use_finish(struct expert_use *use, const struct step *step)
{
    for (size_t e = 0; step->model->has_gate && e < use->n_experts; e++) {
        double limit = expert_use_least(use) * use->weight;
        use->is_unused[e] = use->g[e] < limit && use->h[e] < limit && use->first[e] == 0;
    }
    expert_likeness_compare(&use->likeness, step, use->is_unused);
}

/* "experts 2, 5 and 6": those chosen, or the first of many. */
static void experts_text(const struct expert_use *use, char *text, size_t size)
{
    enum { SHOWN = 12 };
    size_t n = 0, at = 0, used = 0;
    for (size_t e = 0; e < use->n_experts; e++)
        n += use->chosen[e];
    used += (size_t)snprintf(text, size, "expert%s", n == 1 ? "" : "s");
    for (size_t e = 0; e < use->n_experts && at < SHOWN; e++)
        if (use->chosen[e]) {
            const char *between = at == 0 ? " " : at + 1 == n ? " and " : ", ";
            used += (size_t)snprintf(text + used, size - used, "%s%zu", between, e);
            at++;
        }
    if (n > at)
        snprintf(text + used, size - used, " and %zu more", n - at);
}

/* The number of experts that could be spared. */
static size_t print_unused(const struct expert_use *use)
{
    char text[512];
    size_t n = 0;
    for (size_t e = 0; e < use->n_experts; e++)
        n += use->chosen[e] = use->is_unused[e];
    experts_text(use, text, sizeof text);
    if (n > 0)
        log_info("%zu of %zu experts unused: %s (mean g and mean h below %.3g, 1 %% of an equal "
                 "share; first for no sample)",
                 n, use->n_experts, text, expert_use_least(use));
    return n;
}

/* The same, of those that are like another. */
static size_t print_alike(const struct expert_use *use)
{
    enum { SHOWN = 5 };
    const struct expert_likeness *likeness = &use->likeness;
    size_t spare = 0, sets = 0;
    for (size_t e = 0; e < use->n_experts; e++) {
        char text[512];
        size_t n = 0;
        for (size_t f = 0; f < use->n_experts; f++)
            n += use->chosen[f] = likeness->same_as[f] == e;
        experts_text(use, text, sizeof text);
        if (n > 1 && ++sets <= SHOWN)
            log_info("%s do the same: their outputs on %zu samples differ by less than %g %% of "
                     "the outputs' spread",
                     text, likeness->n_samples, 100 * LIKENESS_TOLERANCE);
        spare += n > 1 ? n - 1 : 0;
    }
    if (sets > SHOWN)
        log_info("%zu more sets of experts do the same", sets - SHOWN);
    return spare;
}

void expert_use_print(const struct expert_use *use, const struct string_list *classes)
{
    log_info("expert  mean g  mean h   first for%s", use->n_classes ? "  of the classes" : "");
    for (size_t e = 0; e < use->n_experts; e++) {
        char text[200] = "";
        if (use->is_unused[e])
            continue;
        if (use->n_classes > 0)
            classes_text(use, e, classes, text, sizeof text);
        log_info("%6zu  %6.3f  %6.3f  %9.0f%s%s", e, use->g[e] / use->weight,
                 use->h[e] / use->weight, use->first[e], text[0] ? "  " : "", text);
    }
    size_t spare = print_unused(use);
    spare += print_alike(use);
    if (spare > 0)
        log_info("hint: training with --starts 5 (the best of five), another --seed, or fewer "
                 "--experts may do better");
}
