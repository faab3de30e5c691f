/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/selection.h"

#include <math.h>

double selection_bic(const struct selection *selection)
{
    double minus_2_log_likelihood = 2 * selection->n * selection->nll;
    return minus_2_log_likelihood + selection->parameters * log(selection->n);
}

double selection_icl(const struct selection *selection)
{
    return selection_bic(selection) + 2 * selection->entropy;
}
