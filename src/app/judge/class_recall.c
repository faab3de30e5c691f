/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/class_recall.h"

#include "base/json_number.h"
#include "base/log.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHOWN = 20 };

status class_recall_init(struct class_recall *recall, size_t n_classes)
{
    memset(recall, 0, sizeof *recall);
    status outcome = memory_alloc(&recall->n, n_classes, sizeof *recall->n, "counts of classes");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&recall->metrics, n_classes, sizeof *recall->metrics, "metrics");
    for (; recall->n_classes < n_classes && outcome == STATUS_OK; recall->n_classes++)
        outcome = metrics_init(&recall->metrics[recall->n_classes], 1);
    return outcome;
}

void class_recall_release(struct class_recall *recall)
{
    for (size_t c = 0; c < recall->n_classes; c++)
        metrics_release(&recall->metrics[c]);
    memory_free(&recall->metrics);
    memory_free(&recall->n);
}

void class_recall_add(struct class_recall *recall, const struct metrics_config *config,
                      const struct step *step, size_t i, int32_t label)
{
    recall->n[label]++;
    metrics_add_sample(&recall->metrics[label], config, step, i);
}

/* Of a class without samples it is not known. */
static double recall_of(const struct metrics *metrics)
{
    return metrics->weight > 0 ? metrics->correct / metrics->weight : NAN;
}

static int by_recall(const void *a, const void *b)
{
    const struct metrics *one = *(const struct metrics *const *)a;
    const struct metrics *other = *(const struct metrics *const *)b;
    double difference = recall_of(one) - recall_of(other);
    return difference < 0 ? -1 : difference > 0 ? 1 : one < other ? -1 : 1;
}

status class_recall_print(const struct class_recall *recall, const struct string_list *names)
{
    const struct metrics **order;
    size_t n = 0;
    status outcome = memory_alloc(&order, recall->n_classes, sizeof(void *), "classes");
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t c = 0; c < recall->n_classes; c++)
        if (recall->metrics[c].weight > 0)
            order[n++] = &recall->metrics[c];
    if (n > MOST_SHOWN) {
        qsort(order, n, sizeof(void *), by_recall);
        log_info("the %d of %zu classes with the lowest recall (--json lists all)", MOST_SHOWN, n);
    }
    if (n > 0)
        log_info("%-26s  samples    recall", "class");
    for (size_t i = 0; i < n && i < MOST_SHOWN; i++) {
        size_t c = (size_t)(order[i] - recall->metrics);
        log_info("  %-24s %8zu  %8.2f %%", names->item[c], recall->n[c], 100 * recall_of(order[i]));
    }
    memory_free(&order);
    return outcome;
}

json_t *class_recall_json(const struct class_recall *recall, const struct string_list *names)
{
    json_t *classes = json_array();
    for (size_t c = 0; c < recall->n_classes; c++) {
        double share = recall_of(&recall->metrics[c]);
        json_array_append_new(classes,
                              json_pack("{s:s, s:I, s:f, s:o}", "class", names->item[c], "n",
                                        (json_int_t)recall->n[c], "weight",
                                        recall->metrics[c].weight, "recall", json_number(share)));
    }
    return classes;
}
