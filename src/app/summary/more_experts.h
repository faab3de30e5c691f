/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUMMARY_MORE_EXPERTS_H
#define COTERIE_APP_SUMMARY_MORE_EXPERTS_H

#include "app/judge/loaded_model.h"
#include "base/status.h"
#include "bootstrap.h"
#include "comm/communicator.h"
#include "train/inference/information.h"

#include <stddef.h>

/*
 * Whether one expert more fits better than chance would make it: the bootstrap likelihood ratio
 * (McLachlan 1987). The statistic 2 (ln L_{E+1} - ln L_E) has no known distribution, for E is on
 * the edge of E + 1; so it is compared with that of targets drawn from the model with E experts,
 *
 *   p = (1 + drawn statistics of at least the observed one) / (1 + drawn ones).
 *
 * E + 1 is climbed to from E, each expert split in three ways, and the best maximum counts. No
 * standard deviation of it may be below a twentieth of the least one of E: a mixture that closes in
 * on a few samples has no largest likelihood.
 */
struct more_experts {
    size_t n; /* drawn statistics; refits that did not converge are left out */
    double statistic, p;
};

/* Collective. Of plan->n refits dealt over the ranks; the result is at the root. */
status more_experts_test(struct more_experts *test, const struct communicator *comm,
                         const struct loaded_model *loaded, struct information *information,
                         const struct bootstrap_plan *plan);

#endif
