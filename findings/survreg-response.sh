#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# R's survival: predict(type = "response") of a log-normal or Weibull regression is not the mean response.
#
# Guess: as for glm, whose type = "response" is the expected target; and as for survreg's own Gaussian fit,
#        where it is.
# Seen:  it is exp(x beta): for a log-normal fit the median, below the mean by the factor exp(-sigma^2 / 2);
#        for a Weibull fit the quantile 1 - 1/e, above or below the mean by Gamma(1 + sigma).
# So:    RMSE or totals computed from it are biased; multiply by exp(sigma^2 / 2), or Gamma(1 + sigma), to
#        compare with programs that predict means.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need r-base-core=4.2.2.20221110-2 r-cran-survival=3.5-3-1

cat >finding.R <<'R'
suppressMessages(library(survival))
cat("survival", as.character(packageVersion("survival")), "\n")
expect <- function(what, is) {
    cat("seen    ", what, "\n")
    if (!is) { cat("CHANGED\n"); quit(status = 1) }
}
p <- (seq_len(400) - 0.5) / 400
lognormal <- data.frame(y = qlnorm(p, 1, 1.2)) # quantiles of the distribution itself: no chance
weibull <- data.frame(y = qweibull(p, 0.7, 3))
fit <- function(data, dist) {
    model <- survreg(Surv(y) ~ 1, data = data, dist = dist)
    list(said = predict(model, type = "response")[[1]], scale = model$scale, mean = mean(data$y))
}
a <- fit(lognormal, "lognormal")
expect(sprintf("log-normal: response %.4f, median %.4f, mean of the targets %.4f", a$said,
               median(lognormal$y), a$mean),
       abs(a$said / median(lognormal$y) - 1) < 0.01 && a$mean > 1.5 * a$said)
expect(sprintf("           response * exp(sigma^2 / 2) = %.4f", a$said * exp(a$scale^2 / 2)),
       abs(a$said * exp(a$scale^2 / 2) / a$mean - 1) < 0.05)
b <- fit(weibull, "weibull")
expect(sprintf("Weibull:    response %.4f, quantile 1 - 1/e %.4f, mean of the targets %.4f", b$said,
               quantile(weibull$y, 1 - exp(-1)), b$mean),
       abs(b$said / quantile(weibull$y, 1 - exp(-1)) - 1) < 0.01 && b$mean > 1.15 * b$said)
g <- fit(lognormal, "gaussian")
expect(sprintf("Gaussian:   response %.4f, mean of the targets %.4f", g$said, g$mean),
       abs(g$said / g$mean - 1) < 1e-6)
cat("as recorded\n")
R
Rscript --vanilla finding.R
