# SPDX-License-Identifier: BSD-3-Clause
# What cannot be is said in one line.
library(coterie)
if (!nzchar(coterie_program(must_exist = FALSE))) {
  cat("skipped: there is no program coterie; name it in the variable COTERIE\n")
  quit(status = 0)
}
refused <- function(expression, words) {
  said <- tryCatch({
    expression
    "nothing was said"
  }, error = conditionMessage)
  if (!grepl(words, said)) stop("expected `", words, "`, got `", said, "`")
}
refused(coterie(~ wt, mtcars), "needs a response")
refused(coterie(mpg ~ wt - 1, mtcars), "always have an intercept")
refused(coterie(mpg ~ 1, mtcars), "no inputs")
refused(coterie(mpg ~ wt | hp | am, mtcars), "more than one |")
refused(coterie(mpg ~ wt + offset(hp), mtcars), "offset")
refused(coterie(mpg ~ wt, mtcars, weights = -hp), "weights must be")
refused(coterie(mpg ~ wt, mtcars, expert_number = 2), "unknown option --expert-number")
refused(coterie(mpg ~ wt, mtcars, targets = "mpg"), "not an option here")
refused(coterie(mpg ~ wt, mtcars, learning_rate = -1), "learning-rate")
refused(coterie(mpg ~ log(wt - 1.513), mtcars), "infinite")
refused(coterie(as.Date(mpg, origin = "1970-01-01") ~ wt, mtcars), "of class Date")
refused(coterie(factor(rep("a", 32)) ~ wt, mtcars), "only one class")
refused(coterie(mpg ~ wt, mtcars, ranks = 0), "ranks must be")
refused(coterie_load(tempfile()), "no such file")
fit <- coterie(mpg ~ wt, mtcars, experts = 1)
refused(predict(fit, type = "class"), "numeric response")
refused(predict(fit, type = "interval", level = 95), "between 0 and 1")
refused(predict(fit, data.frame(weight = 1)), "wt")
refused(coef(coterie(mpg ~ wt, mtcars, experts = 2, expert_hidden = 3, optimizer = "adam", epochs = 1)), "hidden layers")

# Inputs of the gate: programs with that option and without it, which are the real one with another help.
stand_in <- function(shown) {
  path <- tempfile()
  writeLines(c("#!/bin/sh", paste0("real='", coterie_program(), "'"),
               "if [ \"$1 $2\" = 'train --help' ]; then",
               "  \"$real\" train --help | grep -v -e --gate-inputs -e --expert-inputs", paste0("  echo '", shown, "'"),
               "  exit", "fi",
               "case \"$*\" in *-inputs*) echo \"coterie: error: asked for $*\" >&2; exit 2 ;; esac",
               "exec \"$real\" \"$@\""), path)
  Sys.chmod(path, "0755")
  path
}
program <- coterie_program()
options(coterie.program = stand_in(""))
refused(coterie(mpg ~ wt + hp | hp, mtcars), "has no option --gate-inputs")
same <- coterie(mpg ~ wt + hp | hp + wt, mtcars, experts = 1) # the gate sees what the experts see
stopifnot(isTRUE(all.equal(coef(same), coef(lm(mpg ~ wt + hp, mtcars)))))
options(coterie.program = program)
options(coterie.program = stand_in("  --gate-inputs NAMES\n  --expert-inputs NAMES"))
refused(coterie(mpg ~ wt + hp | hp, mtcars), "train .*--targets mpg --gate-inputs hp --experts 4 ")
refused(coterie(mpg ~ wt | log(hp) + factor(cyl), mtcars),
        "--gate-inputs log\\(hp\\),factor\\(cyl\\)6,factor\\(cyl\\)8 --expert-inputs wt")
refused(coterie(mpg ~ wt | 1, mtcars), "--gate-inputs none")
options(coterie.program = "/nowhere/coterie")
refused(coterie(mpg ~ wt, mtcars), "no program /nowhere/coterie")
