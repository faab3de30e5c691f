/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_CLASS_RECALL_H
#define COTERIE_APP_CLASS_RECALL_H

#include "base/status.h"
#include "base/string_list.h"
#include "train/step/metrics.h"

#include <jansson.h>

/* Of the samples of each class, the share that is told rightly. All functions are Root. */
struct class_recall {
    size_t n_classes;
    size_t *n;               /* (n_classes) samples */
    struct metrics *metrics; /* (n_classes) of them */
};

status class_recall_init(struct class_recall *recall, size_t n_classes);
void class_recall_release(struct class_recall *recall);

/* Adds sample i of the micro-batch that step_forward has just computed. */
void class_recall_add(struct class_recall *recall, const struct metrics_config *config,
                      const struct step *step, size_t i, int32_t label);

/* A table; of many classes those that are told worst. */
status class_recall_print(const struct class_recall *recall, const struct string_list *names);

/* An array of objects: class, n, weight, recall. */
json_t *class_recall_json(const struct class_recall *recall, const struct string_list *names);

#endif
