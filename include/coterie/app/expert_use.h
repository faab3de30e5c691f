#ifndef COTERIE_APP_EXPERT_USE_H
#define COTERIE_APP_EXPERT_USE_H

#include "coterie/base/status.h"
#include "coterie/base/string_list.h"
#include "coterie/train/step.h"

#include <stddef.h>

/*
 * What each expert took over: its mean mixing proportion, the share of samples for which its
 * proportion is the largest, and which classes those are. All functions are Root.
 */
struct expert_use {
    size_t n_experts, n_classes; /* n_classes 0: no classes */
    double weight;               /* sum of the samples' weights */
    double *g;                   /* (E) sum of weight times g */
    double *h;                   /* (E) the same of the posterior; targets needed */
    double *first;               /* (E) samples for which its g is the largest */
    double *of_class;            /* (E, n_classes) those samples by class */
    real *posterior;             /* (E, max_stride) work space */
    double *log_sum;             /* (max_stride) work space */
};

status expert_use_init(struct expert_use *use, size_t n_experts, size_t n_classes,
                       size_t max_stride);
void expert_use_release(struct expert_use *use);

/* Adds the micro-batch that step_forward has just computed. */
void expert_use_add(struct expert_use *use, const struct step *step);

/* Prints a table, the experts in their order; those hardly used are summed up in one line. */
void expert_use_print(const struct expert_use *use, const struct string_list *classes);

#endif
