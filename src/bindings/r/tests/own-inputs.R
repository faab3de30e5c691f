# SPDX-License-Identifier: BSD-3-Clause
# y ~ x | w: the gate and the experts have inputs of their own, and the tables what is there.
library(coterie)
if (!nzchar(coterie_program(must_exist = FALSE))) {
  cat("skipped: there is no program coterie; name it in the variable COTERIE\n")
  quit(status = 0)
}
if (!all(c("gate-inputs", "expert-inputs") %in% coterie:::train_options())) {
  cat("skipped: this program gives gate and experts the same inputs\n")
  quit(status = 0)
}
set.seed(2)
d <- data.frame(x = rnorm(400), w = rnorm(400), kind = factor(sample(c("a", "b", "c"), 400, TRUE)))
d$y <- ifelse(runif(400) < plogis(2 * d$w), 1 + 2 * d$x, -2 - d$x) + 0.5 * rnorm(400)

fit <- coterie(y ~ x | w, d, experts = 2)
stopifnot(identical(rownames(coef(fit)), c("(Intercept)", "x")), identical(rownames(coef(fit, "gate")), c("(Intercept)", "w")),
          attr(logLik(fit), "df") == 8)
tables <- summary(fit)
for (table in tables$coefficients) stopifnot(identical(rownames(table), c("(Intercept)", "x")), is.finite(table))
stopifnot(identical(rownames(tables$gate[[1]]), c("(Intercept)", "w")))

# The likelihood by R's own formulas at these coefficients.
beta <- coef(fit)
gate <- coef(fit, "gate")
g <- exp(cbind(1, d$w) %*% gate)
g <- g / rowSums(g)
density <- sapply(1:2, function(e) dnorm(d$y, cbind(1, d$x) %*% beta[, e], sigma(fit)[e]))
stopifnot(isTRUE(all.equal(c(logLik(fit)), sum(log(rowSums(g * density))), tolerance = 1e-9)))

# Constant proportions, constant experts, and what does not move with what is not seen.
constant <- coterie(y ~ x | 1, d, experts = 2)
stopifnot(identical(rownames(coef(constant, "gate")), "(Intercept)"), attr(logLik(constant), "df") == 7)
steps <- coterie(y ~ 1 | w + kind, d, experts = 2)
stopifnot(identical(dim(coef(steps)), c(1L, 2L)), nrow(coef(steps, "gate")) == 4L)
moved <- transform(d, w = w + 1)
stopifnot(identical(predict(fit, d, type = "experts"), predict(fit, moved, type = "experts")),
          !identical(predict(fit, d, type = "gate"), predict(fit, moved, type = "gate")))
density <- coterie(y ~ x | w, d, experts = 2, gate = "gaussian")
stopifnot(identical(rownames(coef(density, "gate")$mean), "w"), identical(dim(coef(density, "gate")$covariance), c(1L, 1L, 2L)))
