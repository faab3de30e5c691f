#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# R's flexmix: an offset in the formula is dropped without a word, and with the argument in its place
# predictions for new rows end in an error.
#
# Guess: y ~ x + offset(log(exposure)) means in flexmix(..., FLXMRglm(family = "poisson")) what it means in
#        glm(..., family = poisson), since flexmix takes its formula and hands the rows to glm.fit.
# Seen:  with one component the coefficients are those of glm without the offset, in digits of both; the
#        argument FLXMRglm(offset = log(exposure)) gives those of glm with it, but predict() and posterior()
#        with newdata then fail unless there are as many new rows as old ones.
# So:    check a fit with k = 1 against glm; rates per exposure need the argument, and their predictions
#        exp(x beta) * exposure by hand.
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
i <- 1:120
data <- data.frame(x = sin(i), exposure = 1 + i %% 7)
data$n <- round(data$exposure * exp(0.5 + 0.3 * data$x) + i %% 3)

with <- coef(glm(n ~ x + offset(log(exposure)), family = poisson, data = data))
without <- coef(glm(n ~ x, family = poisson, data = data))
warned <- FALSE
said <- withCallingHandlers(
    flexmix(n ~ x + offset(log(exposure)), k = 1, data = data, model = FLXMRglm(family = "poisson")),
    warning = function(w) warned <<- TRUE, message = function(m) warned <<- TRUE)
show <- function(b) sprintf("%.5f %.5f", b[1], b[2])
expect(sprintf("offset in the formula: %s; glm without one: %s, with it: %s", show(parameters(said)),
               show(without), show(with)),
       max(abs(parameters(said) - without)) < 1e-5 && max(abs(parameters(said) - with)) > 0.1)
expect(sprintf("a warning or message: %s", warned), !warned)

given <- flexmix(n ~ x, k = 1, data = data, model = FLXMRglm(family = "poisson", offset = log(data$exposure)))
expect(sprintf("offset as an argument: %s", show(parameters(given))), max(abs(parameters(given) - with)) < 1e-5)
new <- tryCatch({ predict(given, newdata = data[1:2, ]); "none" }, error = conditionMessage)
expect(sprintf("error of predict for two new rows: %s", new), new != "none")
cat("as recorded\n")
R
Rscript --vanilla finding.R
