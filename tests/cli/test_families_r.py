# SPDX-License-Identifier: BSD-3-Clause
# labels: long
"""The numbers that test_families.py expects of one expert, asked of the R that is here."""
import shutil
import subprocess

import support
import test_families

# Of each family: R packages, and R that prints log-likelihood, coefficients, and what is beside them.
PROGRAMS = {
    "gamma": (["MASS"], """
        f <- glm(g ~ a + b, family = Gamma(link = "log"), data = d, control = glm.control(epsilon = 1e-14, maxit = 100))
        s <- MASS::gamma.shape(f, it.lim = 200, eps.max = 1e-13)$alpha
        show(sum(dgamma(d$g, shape = s, rate = s / fitted(f), log = TRUE)), coef(f), s)"""),
    "lognormal": (["survival"], """
        library(survival)
        f <- survreg(Surv(l) ~ a + b, dist = "lognormal", data = d,
                     control = survreg.control(rel.tolerance = 1e-14))
        show(f$loglik[2], coef(f), f$scale)"""),
    "negative-binomial": (["MASS"], """
        f <- MASS::glm.nb(n ~ a + b, data = d, control = glm.control(epsilon = 1e-14, maxit = 200))
        show(logLik(f), coef(f), f$theta)"""),
    "zero-inflated-poisson": (["pscl"], """
        f <- pscl::zeroinfl(z ~ a + b | 1, data = d,
                            control = pscl::zeroinfl.control(reltol = 1e-16, maxit = 20000))
        show(logLik(f), coef(f)[1:3], plogis(coef(f)[4]))"""),
    "student": (["survival"], """
        library(survival)
        f <- survreg(Surv(t) ~ a + b, dist = "t", parms = 4, data = d,
                     control = survreg.control(rel.tolerance = 1e-14))
        show(f$loglik[2], coef(f), f$scale)"""),
}
# The same with b as an offset, whose coefficient is 1; Poisson's has nothing beside coefficients.
WITH_OFFSET = {
    "gamma": (["MASS"], """
        f <- glm(g ~ a + offset(b), family = Gamma(link = "log"), data = d,
                 control = glm.control(epsilon = 1e-14, maxit = 100))
        s <- MASS::gamma.shape(f, it.lim = 200, eps.max = 1e-13)$alpha
        show(sum(dgamma(d$g, shape = s, rate = s / fitted(f), log = TRUE)), coef(f), 1, s)"""),
    "lognormal": (["survival"], """
        library(survival)
        f <- survreg(Surv(l) ~ a + offset(b), dist = "lognormal", data = d,
                     control = survreg.control(rel.tolerance = 1e-14))
        show(f$loglik[2], coef(f), 1, f$scale)"""),
    "negative-binomial": (["MASS"], """
        f <- MASS::glm.nb(n ~ a + offset(b), data = d, control = glm.control(epsilon = 1e-14, maxit = 200))
        show(logLik(f), coef(f), 1, f$theta)"""),
    "zero-inflated-poisson": (["pscl"], """
        f <- pscl::zeroinfl(z ~ a + offset(b) | 1, data = d,
                            control = pscl::zeroinfl.control(reltol = 1e-16, maxit = 20000))
        show(logLik(f), coef(f)[1:2], 1, plogis(coef(f)[3]))"""),
    "poisson": ([], """
        f <- glm(n ~ a + offset(b), family = poisson, data = d, control = glm.control(epsilon = 1e-14, maxit = 100))
        show(logLik(f), coef(f), 1, 1)"""),
}
HEAD = """show <- function(...) cat(format(c(...), digits = 15), "\\n")
d <- read.csv("TABLE")
"""


def ask(family, programs):
    packages, program = programs[family]
    code = "".join(f'if (!requireNamespace("{p}", quietly = TRUE)) {{ cat("missing {p}"); quit() }}\n'
                   for p in packages) + HEAD.replace("TABLE", str(test_families.TABLE)) + program
    return subprocess.run(["Rscript", "-e", code], capture_output=True, check=True, text=True).stdout


class AskR(test_families.OneExpert):
    def compare(self, programs, *more):
        if not shutil.which("Rscript"):
            self.skipTest("no Rscript here")
        for family in programs:
            with self.subTest(family=family):
                said = ask(family, programs)
                if said.startswith("missing"):
                    print(f"{family} skipped: R's package {said.split()[1]} is {said.split()[0]}")
                    continue
                loglik, *coefficients, shown = map(float, said.split())
                freedom = ["--freedom", "fixed:4"] if family == "student" else []
                self.check_one(family, (loglik, coefficients, shown), [*freedom, *more])

    def test_one_expert_is_that_of_r(self):
        self.compare(PROGRAMS)

    def test_an_offset_is_that_of_r(self):
        self.compare(WITH_OFFSET, "--offset", "b")


if __name__ == "__main__":
    support.main()
