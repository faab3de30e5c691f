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

/* The first two: what is taken in doubt, and what others are compared with in the end. */
enum { CANDIDATE_USUAL, CANDIDATE_LINEAR };
extern const struct candidate candidates[];
size_t candidates_count(void);

/* What facts alone decide. */
struct regime {
    long members, batch, patience;
    long trial_epochs, epochs; /* at most */
};
struct regime candidates_regime(const struct train_facts *facts, long effort);

/*
 * What trials are compared by, the less the better: the nll of samples left out, and of numbers the
 * logarithm of their rmse too, since most users want both. Another candidate must be better than
 * the usual one by a margin that is about the noise of such a mean over n samples.
 */
double candidates_score(const struct train_trial *trial);
double candidates_margin(const struct train_facts *facts);

/*
 * Root. What was not said becomes what candidate and regime are; `epochs` at most. Options that
 * were said hold.
 */
status candidates_apply(struct options *options, const struct candidate *candidate,
                        const struct regime *regime, const struct train_facts *facts, long epochs);

#endif
