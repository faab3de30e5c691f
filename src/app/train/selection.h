/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SELECTION_H
#define COTERIE_APP_SELECTION_H

/*
 * What trained mixtures are compared by. All is measured with one set of parameters: those of the
 * lowest validation error, or, without validation, the last. With n training samples (the sum of
 * their weights), k free parameters and L the likelihood of the training samples,
 *
 *     BIC = -2 ln L + k ln n                                     Schwarz 1978
 *     ICL = BIC + 2 H,  H = -sum_i sum_e h_ie ln h_ie            Biernacki et al. 2000
 *
 * where h_ie is the posterior of expert e for sample i: ICL also asks that experts share the
 * samples out clearly. Of both the smaller is the better.
 */
struct selection {
    double n, parameters;  /* n and k */
    double nll, nll_valid; /* mean of -log p(d|x) in the units of the data */
    double accuracy, accuracy_valid, rmse, rmse_valid; /* NAN where they have no meaning */
    double entropy;                                    /* H */
    double bic, icl;
    double epochs, seconds; /* of the whole training */
};

/* Local. The two criteria from the other members. */
double selection_bic(const struct selection *selection);
double selection_icl(const struct selection *selection);

#endif
