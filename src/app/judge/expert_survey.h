/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EXPERT_SURVEY_H
#define COTERIE_APP_EXPERT_SURVEY_H

#include "app/judge/expert_use.h"
#include "app/judge/loaded_model.h"

/*
 * What the experts of a trained model do with the samples: by this is chosen which of them are
 * split, pruned or merged, and said what that changes. The same on any number of ranks.
 */
struct expert_survey {
    struct expert_use use;
    size_t n_samples;
    double *own_error; /* (n_local) work space */
    /* Root, empty elsewhere: */
    double *largest_g; /* (E) over the samples */
    double *error;     /* (E) sum_n w_n c_e q_e: c is h_e for (1.3), 2 g_e for (1.1) and (1.2) */
};

/* Collective. Passes over all samples of `loaded` once. */
status expert_survey_make(struct expert_survey *survey, const struct communicator *comm,
                          struct loaded_model *loaded);
void expert_survey_release(struct expert_survey *survey);

#endif
