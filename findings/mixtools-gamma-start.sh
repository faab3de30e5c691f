#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# R's mixtools: gammamixEM, as it is called by default, can end at one gamma distribution given twice, from any seed.
#
# Guess: its start by moments (mom.start = TRUE, the default) is the careful one; another seed finds another maximum.
# Seen:  with two components, Gamma(2, 1) and Gamma(9, 1), the same answer from each seed: both components have
#        shape 1.23, and the log-likelihood is that of a single gamma distribution, 37 below that of the two,
#        which mom.start = FALSE finds from each seed. The start by moments takes each scale for the shape.
# So:    say mom.start = FALSE, and compare the log-likelihood with that of k = 1.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need_with_dependencies r-cran-mixtools=2.0.0-1
need r-base-core=4.2.2.20221110-2

cat >finding.R <<'R'
suppressMessages(library(mixtools))
cat("mixtools", as.character(packageVersion("mixtools")), "\n")
expect <- function(what, is) {
    cat("seen    ", what, "\n")
    if (!is) { cat("CHANGED\n"); quit(status = 1) }
}
quantiles <- function(n) (seq_len(n) - 0.5) / n # of the distributions themselves: no chance in the data
y <- c(qgamma(quantiles(300), 2), qgamma(quantiles(200), 9))
single <- -optim(c(0, 0), function(t) -sum(dgamma(y, exp(t[1]), scale = exp(t[2]), log = TRUE)),
                 control = list(reltol = 1e-12))$value
fit <- function(seed, start) {
    set.seed(seed)
    capture.output(model <- gammamixEM(y, k = 2, mom.start = start, maxit = 3000))
    c(sort(model$gamma.pars[1, ]), model$loglik)
}
by_default <- sapply(1:4, fit, start = TRUE)
otherwise <- sapply(1:4, fit, start = FALSE)
say <- function(name, fits) sprintf("%s: shapes %.3f and %.3f, log-likelihood %.3f, from four seeds", name,
                                    mean(fits[1, ]), mean(fits[2, ]), mean(fits[3, ]))
cat(sprintf("a single gamma distribution: log-likelihood %.3f\n", single))
expect(say("default          ", by_default),
       all(by_default[2, ] - by_default[1, ] < 0.01) && all(abs(by_default[3, ] - single) < 0.01))
expect(say("mom.start = FALSE", otherwise),
       all(abs(otherwise[1, ] - 2) < 0.05) && all(abs(otherwise[2, ] - 9) < 0.2) && all(otherwise[3, ] > single + 36))
cat("as recorded\n")
R
Rscript --vanilla finding.R
