# SPDX-License-Identifier: BSD-3-Clause
# What R users may do with data: weights, missing values, factors, several responses, odd names; saving.
library(coterie)
if (!nzchar(coterie_program(must_exist = FALSE))) {
  cat("skipped: there is no program coterie; name it in the variable COTERIE\n")
  quit(status = 0)
}
same <- function(a, b, tolerance = 1e-6) stopifnot(isTRUE(all.equal(a, b, tolerance = tolerance)))
one <- function(...) {
  call <- sys.call()
  call[[1]] <- quote(coterie)
  call$experts <- 1
  eval(call, parent.frame())
}
weight <- rep(c(0, 1, 2, 0.5), 8)

# Weights are cases, and rows of weight 0 are none.
weighted <- one(mpg ~ wt + hp, mtcars, weights = weight)
line <- lm(mpg ~ wt + hp, mtcars, weights = weight)
same(coef(weighted), coef(line))
same(fitted(weighted), fitted(line))
stopifnot(nobs(weighted) == nobs(line))
twice <- rep(seq_len(32), rep(c(1, 2), 16))
doubled <- one(mpg ~ wt + hp, mtcars[twice, ])
same(c(logLik(one(mpg ~ wt + hp, mtcars, weights = rep(c(1, 2), 16)))), c(logLik(doubled)))
same(c(logLik(one(mpg ~ wt + hp, mtcars, weights = rep(2, 32)))), 2 * c(logLik(lm(mpg ~ wt + hp, mtcars))))
same(c(logLik(one(factor(vs) ~ wt, mtcars, weights = rep(c(1, 2), 16)))),
     c(logLik(glm(factor(vs) ~ wt, binomial, mtcars, weights = rep(c(1, 2), 16), epsilon = 1e-12))))

# subset, na.exclude, new data with missing values, odd names, new levels.
holes <- transform(mtcars, cyl = factor(cyl), "wt" = replace(wt, 2, NA))
names(holes)[names(holes) == "hp"] <- "horse, power"
odd <- one(mpg ~ wt + `horse, power` + cyl, holes, subset = gear > 3, na.action = na.exclude)
line <- lm(mpg ~ wt + `horse, power` + cyl, holes, subset = gear > 3, na.action = na.exclude)
same(coef(odd), coef(line))
same(residuals(odd), residuals(line))
same(predict(odd), predict(line))
same(predict(odd, holes), predict(line, holes))

# na.pass: the mean of what is there, and an input that tells; as lm has it when both are made by hand.
some <- transform(mtcars, wt = replace(wt, c(2, 9, 20), NA), hp = replace(hp, 5, NA))
told <- transform(some, no_wt = +is.na(wt), no_hp = +is.na(hp),
                  wt = ifelse(is.na(wt), mean(wt, na.rm = TRUE), wt), hp = ifelse(is.na(hp), mean(hp, na.rm = TRUE), hp))
passed <- suppressWarnings(one(mpg ~ wt + hp, some, na.action = na.pass))
line <- lm(mpg ~ wt + hp + no_wt + no_hp, told)
same(unname(coef(passed)), unname(coef(line)))
stopifnot(identical(names(coef(passed))[4:5], c("missing(wt)", "missing(hp)")))
same(unname(fitted(passed)), unname(fitted(line)))
same(unname(suppressWarnings(predict(passed, some[1:5, ]))), unname(fitted(line)[1:5]))
new <- transform(holes[1:2, ], cyl = "5", check.names = FALSE)
names(new) <- names(holes)
said <- tryCatch(predict(odd, new), error = conditionMessage)
stopifnot(grepl("new level", said))

# Contrasts, polynomials, text, truth values.
contrast <- list(Species = "contr.sum")
same(coef(one(Sepal.Length ~ Species + poly(Petal.Width, 2) + (Petal.Length > 4), iris, contrasts = contrast)),
     coef(lm(Sepal.Length ~ Species + poly(Petal.Width, 2) + (Petal.Length > 4), iris, contrasts = contrast)))
text <- transform(iris, Species = as.character(Species))
model <- one(Sepal.Length ~ Species + poly(Petal.Width, 2), text)
line <- lm(Sepal.Length ~ Species + poly(Petal.Width, 2), text)
same(predict(model, text[c(3, 120), ]), predict(line, text[c(3, 120), ]))

# Several responses.
both <- one(cbind(mpg, qsec) ~ wt + hp, mtcars)
line <- lm(cbind(mpg, qsec) ~ wt + hp, mtcars)
same(coef(both), coef(line))
same(fitted(both), fitted(line))
stopifnot(identical(dim(predict(both, mtcars[1:3, ], "interval")), c(3L, 3L, 2L)))

# Classes whose names are numbers, and one that no row has; softmax against the first.
iris$code <- factor(c(setosa = "1", versicolor = "10", virginica = "2")[iris$Species], levels = c("10", "2", "1", "7"))
codes <- coterie(code ~ Sepal.Length + Sepal.Width, iris, experts = 2, starts = 1)
p <- predict(codes, iris, "probability")
stopifnot(identical(colnames(p), c("10", "2", "1")), all(abs(rowSums(p) - 1) < 1e-9))
stopifnot(identical(unname(predict(codes, iris)), factor(colnames(p)[max.col(p)], colnames(p))))
stopifnot(mean(predict(codes) == as.character(iris$code)) > 0.75)
same(unname(rowSums(residuals(codes))), rep(0, 150), 1e-9)
logits <- cbind(0, cbind(1, iris$Sepal.Length, iris$Sepal.Width) %*% coef(codes)[, , "expert2"])
softmax <- exp(logits - apply(logits, 1, max))
same(unname(predict(codes, iris, "experts")[, 2, ]), unname(softmax / rowSums(softmax)))

# saveRDS keeps the model; the checkpoint alone is for the program.
path <- tempfile(fileext = ".rds")
saveRDS(both, path)
again <- file.path(R.home("bin"), "Rscript")
code <- sprintf("library(coterie); cat(sprintf('%%.17g', predict(readRDS('%s'), mtcars[5, ])[, 'mpg']))", path)
said <- system2(again, c("-e", shQuote(code)), stdout = TRUE)
same(as.numeric(said), predict(both, mtcars[5, ])[[1, "mpg"]], 1e-15)
loaded <- coterie_load(coterie_save(both, tempfile(fileext = ".h5")))
same(predict(loaded, mtcars[1:3, c("hp", "wt")]), predict(both, mtcars[1:3, ]), 1e-15)
same(coef(loaded), coef(both))

# A Gaussian gate: its densities give the gate's proportions.
gaussian <- coterie(dist ~ speed, cars, experts = 2, gate = "gaussian", starts = 2)
gate <- coef(gaussian, "gate")
density <- sapply(1:2, function(e) gate$alpha[e] * dnorm(cars$speed, gate$mean[, e], sqrt(gate$covariance[, , e])))
same(unname(density / rowSums(density)), unname(predict(gaussian, type = "gate")), 1e-6)

# Hidden layers, chosen by name; pictures and summaries of all of them.
deep <- coterie(dist ~ speed, cars, experts = 2, expert.hidden = c(4, 3), epochs = 20, optimizer = "adam")
stopifnot(deep$description$options$expert_hidden == "4,3", nrow(deep$history) == 21)
chosen <- coterie(dist ~ speed, cars, effort = 1)
stopifnot(chosen$description$options$committee > 1)
pdf(NULL)
for (model in list(one(dist ~ speed, cars), both, codes, gaussian, deep)) {
  capture.output(print(model), print(summary(model)))
  plot(model)
}
