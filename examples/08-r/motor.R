# SPDX-License-Identifier: BSD-3-Clause
# A motor takes more current with its load, and from 60 % on much more: how many lines does it need?
library(coterie)

set.seed(4) # of the data; the models have a seed of their own
motor <- data.frame(load = sort(runif(200, 0, 100)), cooling = rep(c("air", "water"), 100))
motor$current <- with(motor, 2 + 0.05 * load + 0.3 * pmax(load - 60, 0) + (cooling == "air") +
                      rnorm(200, sd = ifelse(load > 60, 0.6, 0.2)))

fits <- lapply(1:3, function(n) coterie(current ~ load + cooling, motor, experts = n))
print(data.frame(experts = 1:3, AIC = sapply(fits, AIC), BIC = sapply(fits, BIC)), digits = 6)

best <- fits[[which.min(sapply(fits, BIC))]]
print(summary(best))
new <- data.frame(load = c(30, 90), cooling = "air")
print(cbind(new, predict(best, new, type = "interval", level = 0.9)), digits = 3)

pdf("motor.pdf", width = 8, height = 4)
par(mfrow = c(1, 2))
plot(best, which = c("fit", "gate"))
invisible(dev.off())
saveRDS(best, "motor.rds")           # for R
coterie_save(best, "motor.h5")       # for the program, C, Fortran and Python
