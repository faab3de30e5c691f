/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EXPERT_USE_H
#define COTERIE_APP_EXPERT_USE_H

#include "base/status.h"
#include "base/string_list.h"
#include "expert_likeness.h"
#include "train/step/step.h"

#include <stddef.h>

/*
 * What each expert took over: its mean mixing proportion, the share of samples for which its
 * proportion is the largest, and which classes those are; and which experts are of no use, since
 * they are unused or do the same as others.
 */
struct expert_use {
    size_t n_experts, n_classes; /* n_classes 0: no classes */
    /* Root, empty elsewhere: */
    double weight;    /* sum of the samples' weights */
    double *g;        /* (E) sum of weight times g */
    double *h;        /* (E) the same of the posterior; targets needed */
    double *first;    /* (E) samples for which its g is the largest */
    double *of_class; /* (E, n_classes) those samples by class */
    bool *is_unused;  /* (E) mean g and mean h below `expert_use_least`, and first for no sample */
    bool *chosen;     /* (E) work space */
    real *posterior;  /* (E, max_stride) work space */
    double *log_sum;  /* (max_stride) work space */

    struct expert_likeness likeness;
};

/* Collective. For n samples that step_forward of `step` computes. */
status expert_use_init(struct expert_use *use, const struct step *step, size_t n, size_t n_classes);
void expert_use_release(struct expert_use *use);

/* Local. Adds the micro-batch, beginning with sample `first`, that step_forward has computed. */
void expert_use_add(struct expert_use *use, const struct step *step, size_t first);

/* Collective. After all samples: which experts are unused, and which are alike. */
void expert_use_finish(struct expert_use *use, const struct step *step);

/* The share of the mixture, 1 % of an equal share, below which an expert counts as unused. Local.
 */
double expert_use_least(const struct expert_use *use);

/* Root. Prints a table, the experts in their order, without those unused; then those of no use. */
void expert_use_print(const struct expert_use *use, const struct string_list *classes);

#endif
