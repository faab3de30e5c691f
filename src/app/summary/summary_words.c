/* SPDX-License-Identifier: BSD-3-Clause */
/* The words that table and JSON share. */
#include "summary_state.h"

#include <stdio.h>

bool summary_has_odds(const struct loaded_model *loaded)
{
    return output_functions[loaded->problem.model.output].bound > 0;
}

const char *summary_output_name(const struct loaded_model *loaded, size_t k, const char **against)
{
    const struct run_record *record = &loaded->record;
    const struct string_list *names =
        loaded->problem.has_labels ? &record->classes : &record->target_names;
    bool two_of_one = loaded->problem.model.n_outputs == 1 && names->n == 2;
    *against = output_functions[loaded->problem.model.output].is_redundant ? names->item[0] : NULL;
    return names->item[two_of_one ? 1 : k];
}

const char *summary_unit_name(const struct loaded_model *loaded, const struct input_choice *seen,
                              size_t unit)
{
    if (unit == 0)
        return "(intercept)";
    return input_choice_has(seen, unit - 1) ? loaded->record.input_names.item[unit - 1] : NULL;
}

const char *summary_part_name(const struct loaded_model *loaded)
{
    switch (loaded->part) {
    case PART_TRAIN:
        return "the training part";
    case PART_VALID:
        return "the held-out part";
    default:
        return "all of it";
    }
}

/* In standard errors: what rounding of parameters and stopping rules leave is far below. */
static const double far_from_maximum = 0.05;

const char *summary_doubt(const struct summary *summary)
{
    static char text[256];
    const struct covariance *covariance = &summary->covariance;
    if (summary->lacks)
        return NULL;
    if (covariance->rank.n_negative > 0)
        return "the likelihood is no maximum here (it rises in some direction both ways), so that "
               "standard errors may mean nothing: train longer, or with --optimizer em";
    if (covariance->rank.n_unknown > 0) {
        snprintf(text, sizeof text,
                 "these samples do not determine %zu of %zu coefficients or combinations of them "
                 "(NA): two experts may be the same, or one have too few samples",
                 covariance->rank.n_unknown, covariance->n);
        return text;
    }
    if (covariance->distance > far_from_maximum) {
        snprintf(text, sizeof text,
                 "the likelihood of these samples has its maximum %.2g standard errors away: train "
                 "longer, or with --optimizer em, or name the samples of the training",
                 covariance->distance);
        return text;
    }
    return NULL;
}
