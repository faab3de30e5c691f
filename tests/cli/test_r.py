# SPDX-License-Identifier: BSD-3-Clause
"""The R package: one expert is lm and glm, two are what the program says. All of `R CMD check`: long_r_check."""
import pathlib
import shutil
import sys

import support

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "src/bindings/r"
if not shutil.which("R"):
    print("skipped: there is no R (Debian: r-base-core)")
    sys.exit(77)


class RPackage(support.TestCase):
    def setUp(self):
        super().setUp()
        self.environment = {"COTERIE": support.COTERIE_D, "R_LIBS": str(self.folder), "MPIRUN": support.MPIRUN,
                            "MPIRUN_OPTIONS": " ".join(support.MPIRUN_OPTIONS)}
        source = shutil.copytree(PACKAGE, self.folder / "source")
        self.succeed("R", "CMD", "INSTALL", "--no-docs", "--no-test-load", "-l", self.folder, source,
                     env=self.environment)

    def test_models(self):
        result = self.succeed("Rscript", "--vanilla", PACKAGE / "tests/lm-and-glm.R", env=self.environment)
        self.assertNotIn("skipped", result.stdout)

    def test_inputs_of_their_own(self):
        result = self.succeed("Rscript", "--vanilla", PACKAGE / "tests/own-inputs.R", env=self.environment)
        self.assertNotIn("skipped", result.stdout)

    def test_ranks_and_no_program(self):
        two_ranks = ("library(coterie); fit <- function(...) coterie(dist ~ speed, cars, experts = 2, starts = 1, ...);"
                     "stopifnot(identical(coef(fit()), coef(fit(ranks = 2))))")
        self.succeed("Rscript", "--vanilla", "-e", two_ranks, env=self.environment)
        nowhere = dict(self.environment, COTERIE=None, PATH=f"{self.folder}:/usr/bin:/bin")
        if shutil.which("coterie", path=nowhere["PATH"]) is None:
            result = self.succeed("Rscript", "--vanilla", PACKAGE / "tests/lm-and-glm.R", env=nowhere)
            self.assertIn("skipped: there is no program coterie", result.stdout)


if __name__ == "__main__":
    support.main()
