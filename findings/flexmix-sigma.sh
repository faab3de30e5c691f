#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# R's flexmix: the sigma of a Gaussian component is not the one of largest likelihood, and so logLik, AIC and
# BIC are not those of a maximum.
#
# Guess: EM ends where the likelihood has a maximum; with one component it is that of lm().
# Seen:  each component divides by n - p, with n all rows and not the component's share of them: sigma is too
#        large by sqrt(n / (n - p)) in every component. With one component logLik is below that of lm();
#        with two, a few steps of plain EM from flexmix's answer raise the likelihood.
# So:    to compare likelihoods, or BIC, across programs, multiply sigma by sqrt((n - p) / n) first.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need r-base-core=4.2.2.20221110-2 r-cran-flexmix=2.3-18-1 r-cran-modeltools=0.2-23-2

cat >finding.R <<'R'
suppressMessages(library(flexmix))
cat("flexmix", as.character(packageVersion("flexmix")), "\n")
expect <- function(what, is) {
    cat("seen    ", what, "\n")
    if (!is) { cat("CHANGED\n"); quit(status = 1) }
}
n <- 40
x <- seq(-1, 1, length.out = n)
y <- ifelse(seq_len(n) %% 2 == 0, 3 * x, -3 * x) + sin(1:n) / 2

one <- flexmix(y ~ x, k = 1)
line <- lm(y ~ x)
expect(sprintf("one component: logLik %.4f, lm %.4f", logLik(one), logLik(line)),
       logLik(one) < logLik(line) - 0.01)
expect(sprintf("sigma %.6f, lm divided by n - 2 %.6f", parameters(one)["sigma", 1], summary(line)$sigma),
       abs(parameters(one)["sigma", 1] - summary(line)$sigma) < 1e-9)

two <- flexmix(y ~ x, k = 2, cluster = 1 + (seq_len(n) %% 2 == 0),
               control = list(tolerance = 1e-13, iter.max = 2000))
h <- posterior(two)
p <- parameters(two)
best <- sapply(1:2, function(k) sqrt(sum(h[, k] * (y - p[1, k] - p[2, k] * x)^2) / sum(h[, k])))
expect(sprintf("two components: sigma / that of largest likelihood %.6f %.6f; sqrt(n / (n - 2)) %.6f",
               p[3, 1] / best[1], p[3, 2] / best[2], sqrt(n / (n - 2))),
       max(abs(p[3, ] / best - sqrt(n / (n - 2)))) < 1e-5)
likelihood <- function(sigma) {
    sum(log(prior(two)[1] * dnorm(y, p[1, 1] + p[2, 1] * x, sigma[1]) +
            prior(two)[2] * dnorm(y, p[1, 2] + p[2, 2] * x, sigma[2])))
}
expect(sprintf("logLik of flexmix %.4f, with the other sigma %.4f", logLik(two), likelihood(best)),
       likelihood(best) > logLik(two) + 0.01)
cat("as recorded\n")
R
Rscript --vanilla finding.R
