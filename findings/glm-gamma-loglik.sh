#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# R's glm: logLik and AIC of a Gamma model are not those of largest likelihood, nor of the dispersion that
# summary() prints.
#
# Guess: the log-likelihood at its maximum, as for the Gaussian family, MASS::glm.nb and survival::survreg,
#        to be compared with theirs by AIC; or at least at the dispersion of summary().
# Seen:  it is taken at dispersion = deviance / n; summary() prints Pearson's, and MASS::gamma.shape finds the
#        maximum elsewhere. Three dispersions of one model; targets near 0 drive them far apart: of the 200 below
#        (shape 0.3) the log-likelihood is 7.6 below its maximum, so AIC is 15 too large.
# So:    compare a Gamma glm with other families at MASS::gamma.shape: sum(dgamma(y, a, a / fitted, log = TRUE)).
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need r-base-core=4.2.2.20221110-2 r-cran-mass=7.3-58.2-1

cat >finding.R <<'R'
expect <- function(what, is) {
    cat("seen    ", what, "\n")
    if (!is) { cat("CHANGED\n"); quit(status = 1) }
}
cat(R.version.string, "\n")
at <- function(y, model, shape) sum(dgamma(y, shape, shape / fitted(model), log = TRUE))
p <- (seq_len(200) - 0.5) / 200
short <- c("0.3" = 7.5, "2" = 0.3) # of the maximum, by shape
for (shape in names(short)) {
    y <- qgamma(p, as.numeric(shape)) # quantiles of the distribution itself: no chance
    model <- glm(y ~ 1, family = Gamma(link = "log"))
    best <- MASS::gamma.shape(model)$alpha
    said <- as.numeric(logLik(model))
    cat(sprintf("shape %s: dispersion of logLik %.4f, of summary %.4f, of largest likelihood %.4f\n", shape,
                model$deviance / 200, summary(model)$dispersion, 1 / best))
    expect(sprintf("logLik %.3f is that at the first of these", said),
           abs(said - at(y, model, 200 / model$deviance)) < 1e-6)
    expect(sprintf("at the second it is %.3f", at(y, model, 1 / summary(model)$dispersion)),
           abs(said - at(y, model, 1 / summary(model)$dispersion)) > 0.05)
    expect(sprintf("largest is %.3f", at(y, model, best)),
           at(y, model, best) - said > 0.8 * short[[shape]])
}
cat("as recorded\n")
R
Rscript --vanilla finding.R
