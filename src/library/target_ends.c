/* SPDX-License-Identifier: BSD-3-Clause */
/* Quantiles and intervals of one target. */
#include "coterie.h"

#include "request.h"

#include "model/likelihood/likelihood.h"
#include "predict/conformal.h"

/* The distribution of target k of sample i, in the block's spare room. */
static struct target_mixture mixture_of(const struct predictor *predictor,
                                        const struct predicted *block, size_t k, size_t i)
{
    const struct model_config *config = predictor_config(predictor);
    size_t experts = config->n_experts;
    double *g = block->spare, *o = g + experts;
    for (size_t e = 0; e < experts; e++) {
        g[e] = block->g[e * block->stride + i];
        o[e] = block->o[(e * config->n_outputs + k) * block->stride + i];
    }
    return (struct target_mixture){experts, g, o, predictor_dispersion(predictor)};
}

/* A quantile, or both ends of a conformal interval. */
struct ends {
    size_t target;
    double number;         /* p, or the interval's factor */
    double *lower, *upper; /* upper NULL: a quantile */
};

static int put_ends(const struct predictor *predictor, const struct predicted *block, size_t first,
                    void *context)
{
    const struct ends *ends = context;
    const struct likelihood_family *family =
        likelihood_family(predictor_config(predictor)->likelihood);
    for (size_t i = 0; i < block->n; i++) {
        const struct target_mixture mixture = mixture_of(predictor, block, ends->target, i);
        double lower = ends->upper ? conformal_end(family, &mixture, ends->number, false)
                                   : likelihood_quantile(family, &mixture, ends->number);
        ends->lower[first + i] = unscaled(predictor, ends->target, lower);
        if (ends->upper)
            ends->upper[first + i] = unscaled(predictor, ends->target,
                                              conformal_end(family, &mixture, ends->number, true));
    }
    return COTERIE_OK;
}

int coterie_quantile(const coterie_model *model, size_t n, const double *x, size_t target, double p,
                     double *quantile, void *workspace)
{
    struct ends context = {target, p, quantile, NULL};
    if (target >= coterie_n_targets(model) || !(p > 0 && p < 1) || (n > 0 && !quantile))
        return COTERIE_USAGE;
    const struct request request = {
        .predictor = of(model), .n = n, .x = x, .visit = put_ends, .context = &context};
    return request_run(&request, workspace);
}

int coterie_conformal_interval(const coterie_model *model, size_t n, const double *x, size_t target,
                               double p, double *lower, double *upper, void *workspace)
{
    const struct conformal_scores *scores = predictor_scores(of(model));
    bool is_known = target < coterie_n_targets(model) && p > 0 && p < 1 && scores->n > 0;
    if (!is_known || scores->n < conformal_least_rows(p) || (n > 0 && !(lower && upper)))
        return COTERIE_USAGE;
    struct ends context = {target, conformal_factor(scores, target, p), lower, upper};
    const struct request request = {
        .predictor = of(model), .n = n, .x = x, .visit = put_ends, .context = &context};
    return n > 0 ? request_run(&request, workspace) : COTERIE_OK;
}
