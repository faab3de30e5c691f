/* SPDX-License-Identifier: BSD-3-Clause */
#include "closing.h"

#include "base/log.h"

#include <math.h>

/* The share of the distance from the constant answer to none at all that is left. */
static const double useless = 0.98, much = 0.95;

static void judge_errors(const struct train_facts *facts, const struct train_trial *best,
                         const struct train_trial *linear)
{
    double constant = facts->is_regression ? facts->constant_rmse : 1 - facts->constant_accuracy;
    double error = facts->is_regression ? best->rmse : 1 - best->accuracy;
    double line = facts->is_regression ? linear->rmse : 1 - linear->accuracy;
    if (!(error < useless * constant))
        log_info("result   no better than always giving the same answer: the inputs say little "
                 "about the target, or more samples are needed");
    else if (isfinite(line) && error > much * line)
        log_info("result   about as good as one linear model: it is all that these inputs give, or "
                 "try --effort 8");
    else
        log_info("result   better than always giving the same answer%s",
                 isfinite(line) ? " and than one linear model" : "");
}

void closing_words(const struct train_facts *facts, const struct train_trial *best,
                   const struct train_trial *linear)
{
    if (facts->is_regression) {
        log_info("on samples left out: rmse %.6g; one linear model %.6g; always the mean %.6g",
                 best->rmse, linear->rmse, facts->constant_rmse);
    } else {
        log_info("on samples left out: %.1f %% right; one linear model %.1f %%; always the most "
                 "frequent class %.1f %%",
                 100 * best->accuracy, 100 * linear->accuracy, 100 * facts->constant_accuracy);
    }
    judge_errors(facts, best, linear);
}
