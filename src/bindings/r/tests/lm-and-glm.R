# SPDX-License-Identifier: BSD-3-Clause
# One expert is the model of lm, of glm and of multinomial regression; two are what the program says.
library(coterie)
if (!nzchar(coterie_program(must_exist = FALSE))) {
  cat("skipped: there is no program coterie; name it in the variable COTERIE\n")
  quit(status = 0)
}
same <- function(a, b, tolerance = 1e-6) stopifnot(isTRUE(all.equal(a, b, tolerance = tolerance)))

# Numbers: factors, a transformed variable, a missing value.
cars <- transform(mtcars, cyl = factor(cyl), kind = factor(ifelse(am == 1, "manual", "automatic")))
cars$hp[3] <- NA
one <- coterie(mpg ~ log(hp) + wt * cyl, cars, experts = 1)
line <- lm(mpg ~ log(hp) + wt * cyl, cars)
same(coef(one), coef(line))
same(fitted(one), fitted(line))
same(residuals(one), residuals(line))
same(c(logLik(one)), c(logLik(line)))
same(c(AIC(one), BIC(one), nobs(one)), c(AIC(line), BIC(line), nobs(line)))
same(sigma(one), c(expert1 = sqrt(mean(residuals(line)^2))))
same(predict(one, cars[1:5, ]), predict(line, cars[1:5, ]))
stopifnot(is.na(predict(one, cars[1:5, ])[3]), inherits(na.action(one), "omit"))
interval <- predict(one, cars[c(1, 7), ], type = "interval", level = 0.9)
same(interval, predict(line, cars[c(1, 7), ]) +
       sigma(one) * cbind(fit = c("Mazda RX4" = 0, "Duster 360" = 0), lwr = qnorm(0.05), upr = qnorm(0.95)))

# Standard errors, where the program has them: those of lm with n in the place of n - p, those of glm.
has_errors <- is.list(summary(one)$coefficients)
errors <- function(fit) unname(summary(fit)$coefficients[[1]][, "Std. Error"])
if (has_errors) {
  n <- nobs(line)
  same(errors(one), unname(coef(summary(line))[, 2] * sqrt((n - length(coef(line))) / n)))
}

# Two classes.
logistic <- coterie(kind ~ wt + disp, cars, experts = 1)
binomial <- glm(kind ~ wt + disp, binomial, cars, epsilon = 1e-12)
same(coef(logistic), coef(binomial), 1e-5)
same(fitted(logistic), fitted(binomial))
same(c(logLik(logistic)), c(logLik(binomial)))
same(c(AIC(logistic), BIC(logistic)), c(AIC(binomial), BIC(binomial)))
if (has_errors) same(errors(logistic), unname(coef(summary(binomial))[, 2]), 1e-4)
same(predict(logistic, cars[1:4, ], "response"), predict(binomial, cars[1:4, ], type = "response"))
stopifnot(identical(unname(predict(logistic)),
                    factor(c("automatic", "manual")[1 + (fitted(binomial) > 0.5)])))

# An offset: rates of breaks, watched for different times.
warp <- transform(warpbreaks, time = rep(c(1, 2, 5), length.out = 54))
rates <- coterie(breaks ~ wool + tension + offset(log(time)), warp, experts = 1, likelihood = "poisson")
against <- glm(breaks ~ wool + tension + offset(log(time)), poisson, warp)
same(coef(rates), coef(against), 1e-6)
same(c(logLik(rates)), c(logLik(against)), 1e-9)
stopifnot(attr(logLik(rates), "df") == 4)
new <- data.frame(wool = "B", tension = c("L", "H"), time = c(1, 30))
same(predict(rates, new), predict(against, new, type = "response"), 1e-6)
# In its place beside a gate with inputs of its own, and not seen by the gate.
shared <- coterie(breaks ~ wool + offset(log(time)) | tension, warp, experts = 2, starts = 2, likelihood = "poisson")
stopifnot(identical(rownames(coef(shared)), c("(Intercept)", "woolB")),
          identical(rownames(coef(shared, "gate")), c("(Intercept)", "tensionM", "tensionH")))
same(predict(shared, transform(warp, time = 2 * time), type = "experts"), 2 * predict(shared, type = "experts"), 1e-9)

# Two experts: the same data and options give the program's own numbers.
two <- coterie(accel ~ times, helmet <- data.frame(
  times = c(2.4, 6.8, 10, 13.8, 14.6, 15.4, 15.8, 16.2, 16.8, 17.6, 18.6, 20, 21.4, 23.4, 25, 26.2, 27.6, 30.2, 32.8, 35.2,
            37.2, 40, 42.4, 45, 47.8, 52, 55.4, 57.6),
  accel = c(0, -1.3, -2.7, -2.7, -5.4, -22.8, -40.2, -21.5, -40.2, -44.3, -75, -112.5, -101.9, -128.5, -26.8, -107.1, -21.5,
            36.2, 46.9, -16, 10.7, -21.5, 14.7, 10.7, -14.7, 10.7, -2.7, 10.7)), experts = 2, starts = 3)
folder <- tempfile("coterie-")
dir.create(folder)
data <- file.path(folder, "d.csv")
program <- function(...) {
  said <- system2(coterie_program(), c(...), stdout = TRUE)
  stopifnot(is.null(attr(said, "status")))
  paste(said, collapse = "\n")
}
write.csv(helmet, data, row.names = FALSE)
run <- file.path(folder, "run")
invisible(program("train", "--data", data, "--experts 2 --optimizer em --variance learned --starts 3",
                  "--epochs 1000 --stop-likelihood 1e-10 --quiet --output", run))
invisible(program("predict", run, "--data", data, "--interval 0.95 --density --output", file.path(folder, "p.csv")))
said <- read.csv(file.path(folder, "p.csv"))
same(unname(fitted(two)), said$y_accel, 1e-12)
same(unname(predict(two, type = "variance")), said$variance_accel, 1e-12)
same(unname(predict(two, type = "gate")), unname(as.matrix(said[c("g_0", "g_1")])), 1e-12)
same(unname(two$posterior), unname(as.matrix(said[c("h_0", "h_1")])), 1e-12)
same(unname(predict(two, type = "experts")), unname(as.matrix(said[c("o_0_accel", "o_1_accel")])), 1e-12)
same(unname(predict(two, type = "interval")), unname(as.matrix(said[c("y_accel", "lower_accel", "upper_accel")])), 1e-12)
same(unname(sigma(two)), unlist(said[1, c("sigma_0_accel", "sigma_1_accel")], use.names = FALSE), 1e-12)

# Coefficients of experts and gate give the same predictions, and these the log-likelihood.
unname_rows <- function(matrix) `rownames<-`(matrix, NULL)
x <- cbind(1, helmet$times)
same(x %*% coef(two), unname_rows(predict(two, type = "experts")), 1e-9)
g <- exp(x %*% coef(two, "gate"))
same(g / rowSums(g), unname_rows(predict(two, type = "gate")), 1e-9)
density <- dnorm(helmet$accel, predict(two, type = "experts"), rep(sigma(two), each = nrow(x)))
same(c(logLik(two)), sum(log(rowSums(predict(two, type = "gate") * density))), 1e-9)
stopifnot(attr(logLik(two), "df") == 2 * 3 + 2, nobs(two) == 28) # two lines with their variances, one line of the gate
