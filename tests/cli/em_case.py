# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of --optimizer em share: runs of one folder, and that their bits do not depend on ranks."""
import sys

import support

EVERY_COUNT = "--every-count" in sys.argv  # of ranks, as the long tests want it
if EVERY_COUNT:
    sys.argv.remove("--every-count")

D, F = support.COTERIE_D, support.COTERIE


class EmCase(support.TestCase):
    def train(self, run, words, *more, program=D, rc=0, **how):
        result = support.run(program, "train", *words, *more, "--output", self.folder / run,
                             "--quiet", **how)
        self.assert_rc(result, rc)
        return result

    def latest(self, run):
        return self.folder / run / "checkpoints" / "latest"

    def errors(self, run):
        return [row["error"] for row in support.read_metrics(self.folder / run)]

    def check_same_bits(self, name, words, program):
        """On 1, 2 or 5 ranks, and on three, then one: as a run that was not interrupted."""
        counts = (2, 5) if EVERY_COUNT else ((2, 5)[program == D],)
        words = [*words, "--stop-likelihood", 0]
        self.train(f"{name} 1", words, "--epochs", 8, program=program)
        for ranks in counts:
            self.train(f"{name} {ranks}", words, "--epochs", 8, program=program, ranks=ranks)
        self.train(f"{name} parts", words, "--epochs", 5, program=program, ranks=3)
        self.train(f"{name} parts", ["--resume", "auto"], "--epochs", 8, program=program)
        for other in (*counts, "parts"):
            self.assert_same_checkpoint(self.latest(f"{name} 1"), self.latest(f"{name} {other}"))
            self.assert_same_metrics(self.folder / f"{name} 1", self.folder / f"{name} {other}")
