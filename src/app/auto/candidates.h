/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_AUTO_CANDIDATES_H
#define COTERIE_APP_AUTO_CANDIDATES_H

#include "app/options/options.h"
#include "app/train/train.h"
#include "base/status.h"

#include <stddef.h>

/* A structure that is worth trying. */
struct candidate {
    const char *name; /* for people */
    int least_effort; /* from this --effort on */
    const char *experts, *hidden, *activation;
};

extern const struct candidate candidates[];
size_t candidates_count(void);

/* What facts alone decide. */
struct regime {
    long members, batch, patience;
    long trial_epochs, epochs; /* at most */
};
struct regime candidates_regime(const struct train_facts *facts, long effort);

/*
 * Root. What was not said becomes what candidate and regime are; `epochs` at most. Options that
 * were said hold.
 */
status candidates_apply(struct options *options, const struct candidate *candidate,
                        const struct regime *regime, const struct train_facts *facts, long epochs);

#endif
