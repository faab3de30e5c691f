# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
"""The same bits on any number of ranks: checkpoints and metrics, in both programs.

    test_same_bits.py                each case on 1 rank, and on 3, 2, 5, 4 or 8
    test_same_bits.py --every-count  each case on all of them

5 or 7 experts on 1, 2, 3, 4, 5 and 8 ranks: the experts never divide evenly, and at last there are
ranks without one. The cases together take in every error function, likelihood, optimiser, kind of
layer and way of cutting the data into batches. Where micro-batches are small, rank 0 of three has
no expert, and the others look ahead to the next micro-batch; one rank never does.
"""
import concurrent.futures
import os
import sys

import h5py
import numpy
import support

EVERY_COUNT = "--every-count" in sys.argv
OTHERS = (3, 2, 3, 5, 3, 4, 8)  # besides 1 rank, in turn
LEARNED = "--variance learned"

# Options but for data and experts, by data set.
CASES = {
    "numbers": (
        "--optimizer gd --batch-size 0",
        f"--optimizer adam --batch-size 16 {LEARNED} --valid 0.2",
        "--error competitive --optimizer momentum --clip 0.5",
        "--error competitive --optimizer adam --batch-size 32 --expert-hidden 6",
        "--error cooperative --optimizer gd --batch-size 10",
        "--error cooperative --optimizer adam --expert-hidden 5,4 --activation relu --clip 1",
        f"--optimizer momentum {LEARNED} --clip 0.3 --weight-decay 0.01 --micro-batch 16",
        "--error cooperative --optimizer momentum --micro-batch 40 --gate-hidden 9 --valid 0.3",
        f"--optimizer adam --expert-hidden 33 --gate-hidden 7 --activation gelu {LEARNED} --weight w",
        "--optimizer momentum --batch-size 50 --micro-batch 16 --schedule cosine --starts 2",
    ),
    "labels": (
        "--optimizer adam --batch-size 0",
        "--optimizer gd --learning-rate 0.3 --batch-size 24 --expert-hidden 8 --activation logistic",
        "--error cooperative --optimizer momentum",
        "--error competitive --optimizer adam --batch-size 7",
        "--likelihood gaussian --optimizer gd --valid 0.25",
    ),
    "binary": (
        "--likelihood bernoulli --optimizer adam --clip 0.2",
        "--likelihood bernoulli --optimizer momentum --batch-size 20 --gate-hidden 5 --expert-hidden 4",
        f"--expert-output logistic {LEARNED} --optimizer gd --batch-size 33",
    ),
    # Shapes for which a BLAS has other kernels than for the smallest.
    "wide": (
        "--optimizer adam --batch-size 256 --expert-hidden 130 --gate-hidden 65",
        "--error cooperative --optimizer gd --expert-hidden 70,40 --micro-batch 160",
    ),
}
# The number of a program's first case, and every how many it takes: in single precision, where
# vectors are longest, all of them.
PROGRAMS = ((support.COTERIE, 0, 1), (support.COTERIE_D, 1, 3))


TARGETS = {"numbers": "t0,t1", "labels": "t", "binary": "t0,t1"}
INPUTS = "x0,x1,x2"


def write_data(folder):
    rng = numpy.random.default_rng(3)
    x = rng.normal(size=(101, 3))
    inputs = "".join(f"{{:.{i + 3}f}}," for i in range(3))
    files = {name: open(folder / f"{name}.csv", "w", encoding="utf-8") for name in TARGETS}
    files["numbers"].write("x0,x1,x2,w,t0,t1\n")
    files["labels"].write("x0,x1,x2,t\n")
    files["binary"].write("x0,x1,x2,t0,t1\n")
    for row in x:
        start = inputs.format(*row)
        t0, t1 = abs(row[0]) + row[1], row[2] ** 2
        files["numbers"].write(f"{start}{rng.uniform():.3f},{t0:.4f},{t1:.4f}\n")
        files["labels"].write(f"{start}{'low' if t0 < -0.3 else 'high' if t0 > 1 else 'mid'}\n")
        files["binary"].write(f"{start}{int(t0 > 0.5)},{int(t1 > 0.5)}\n")
    for file in files.values():
        file.close()
    with h5py.File(folder / "wide.h5", "w") as file:
        file["x"] = rng.normal(size=(700, 37))
        file["y"] = numpy.abs(file["x"][:, :11]) + file["x"][:, 11:22]


class SameBits(support.TestCase):
    def setUp(self):
        super().setUp()
        write_data(self.folder)

    def train(self, place, program, data, options, experts, ranks):
        run = place / f"run-{ranks}"
        words = ["--data", self.folder / "wide.h5"]
        if data in TARGETS:
            words = ["--data", self.folder / f"{data}.csv", "--inputs", INPUTS, "--targets",
                     TARGETS[data]]
        self.succeed(program, "train", *words, "--experts", experts, *options.split(), "--epochs", 12,
                     "--quiet", "--output", run, ranks=ranks)
        return run

    def check(self, place, case, counts):
        one = self.train(place, *case, 1)
        rows = support.read_metrics(one)
        self.assertNotEqual(rows[0]["error"], rows[-1]["error"])
        for ranks in counts:
            many = self.train(place, *case, ranks)
            self.assert_same_checkpoint(one / "checkpoints/latest", many / "checkpoints/latest")
            self.assert_same_metrics(one, many)
            self.assertEqual(sorted(os.listdir(one / "checkpoints")),
                             sorted(os.listdir(many / "checkpoints")))

    def test_all(self):
        jobs = []
        # Two at a time: a launcher waits as long as ranks compute.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for program, first, every in PROGRAMS:
                cases = [(data, options) for data, many in CASES.items() for options in many]
                for number, (data, options) in enumerate(cases[first::every]):
                    case = (program, data, options, (5, 7)[number % 2])
                    counts = sorted(set(OTHERS)) if EVERY_COUNT else (OTHERS[number % len(OTHERS)],)
                    place = self.folder / f"case-{len(jobs)}"
                    jobs.append((case, pool.submit(self.check, place, case, counts)))
        for case, job in jobs:
            with self.subTest(case):
                job.result()

    def test_experts_of_rank_zero(self):
        """Where the experts live is a matter of speed only."""
        runs = []
        for on_root, placement in (("auto", "even"), (0, "even"), (3, "even"), (2, "measured")):
            run = self.folder / f"root-{on_root}"
            said = self.succeed(support.COTERIE, "train", "--experts", 5, "--root-experts", on_root,
                                "--placement", placement, "--epochs", 5, "--output", run, ranks=3)
            self.assertEqual("speed    measured" in said.stdout, placement == "measured")
            runs.append(run / "checkpoints/latest")
        for run in runs[1:]:
            self.assert_same_checkpoint(runs[0], run, ("/config@root_experts",))

    def test_messages(self):
        """As between hosts, where a gather begins before its numbers have left: one, and two."""
        for error in ("mixture", "competitive"):
            runs = []
            for ranks, exchange in ((1, ""), (2, "messages")):
                run = self.folder / f"{error}-{ranks}"
                self.succeed(support.COTERIE, "train", "--error", error, "--experts", 5, "--epochs",
                             5, "--batch-size", 0, "--micro-batch", 16, "--output", run, ranks=ranks,
                             env={"COTERIE_EXCHANGE": exchange})
                runs.append(run / "checkpoints/latest")
            self.assert_same_checkpoint(*runs)

    def test_a_different_seed_differs(self):
        runs = []
        for seed in (1, 2):
            run = self.folder / f"seed-{seed}"
            self.succeed(support.COTERIE, "train", "--seed", seed, "--epochs", 2, "--output", run)
            runs.append(run / "checkpoints/latest")
        self.assertRegex(support.first_difference(*runs, ("/config@seed", "/progress@seed")) or "",
                         "gate|experts|checksum|best")


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--every-count"]
    support.main()
