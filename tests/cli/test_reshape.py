# SPDX-License-Identifier: BSD-3-Clause
"""--split, --prune and --merge: what they promise of predictions, parameters, ranks and files."""
import csv
import hashlib
import os

import h5py
import numpy
import reference
import support

D = support.COTERIE_D
VOWELS = ("--data", "builtin:vowels", "--experts", 3, "--epochs", 40, "--quiet",
          "--learning-rate", 0.05)


def write_csv(path, n=60):
    rng = numpy.random.default_rng(5)
    x = rng.normal(size=(n, 2))
    t = numpy.abs(x[:, 0]) + 0.1 * rng.normal(size=n)
    lines = [f"{a!r},{b!r},{c!r},{d}" for (a, b), c, d in
             zip(x.tolist(), t.tolist(), ["no" if v < 0 else "yes" for v in x[:, 1]])]
    path.write_text("\n".join(["a,b,t,c", *lines]) + "\n", encoding="utf-8")
    return x


CLASSES = ("--targets", "c", "--inputs", "a,b")
NUMBERS = ("--targets", "t", "--inputs", "a,b")
CASES = {
    "classes": CLASSES,
    "hidden layers": (*NUMBERS, "--expert-hidden", 4, "--gate-hidden", 3,
                      "--variance", "learned:0.5", "--batch-size", 16),
    "binary": (*CLASSES, "--likelihood", "bernoulli", "--optimizer", "momentum"),
    "competitive": (*NUMBERS, "--error", "competitive"),
    "cooperative": (*NUMBERS, "--error", "cooperative", "--optimizer", "gd"),
    "Gaussian gate": (*NUMBERS, "--optimizer", "em", "--gate", "gaussian", "--variance", "learned"),
    "em": (*NUMBERS, "--optimizer", "em", "--variance", "learned"),
}


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


class Reshape(support.TestCase):
    def setUp(self):
        super().setUp()
        self.x = write_csv(self.folder / "data.csv")

    def train(self, name, *options, program=D, **how):
        self.result = self.succeed(program, "train", *options, "--output", name, cwd=self.folder,
                                   **how)
        return self.folder / name / "checkpoints/latest"

    def predictions(self, checkpoint, program=D):
        output = self.folder / f"{len(list(self.folder.iterdir()))}.csv"
        self.succeed(program, "predict", checkpoint, "--data", self.folder / "data.csv",
                     "--output", output, "--quiet")
        return read_csv(output)

    def assert_same_predictions(self, before, after, tolerance, program=D):
        before, after = self.predictions(before, program), self.predictions(after, program)
        names = [name for name in before if name.startswith(("y_", "p_", "variance_"))]
        self.assertGreater(len(names), 0)
        for name in names:
            a, b = (numpy.array(table[name], float) for table in (before, after))
            self.assertLess(numpy.abs(a - b).max(), tolerance * (1 + numpy.abs(a).max()), name)

    def test_a_split_changes_no_prediction(self):
        for number, (name, options) in enumerate(CASES.items()):
            for program, tolerance in ((D, 1e-12), (support.COTERIE, 3e-6)):
                if program != D and number > 1:
                    continue
                with self.subTest(name, program=program):
                    run = f"{number}{program[-2:]}"
                    old = self.train(run, "--data", "data.csv", *options, "--experts", 3,
                                     "--epochs", 25, "--quiet", program=program)
                    new = self.train(f"{run}-new", "--resume", run, "--split", "0,2",
                                     program=program)
                    self.assertIn("expert 2: it becomes 2 and 4", self.result.stdout)
                    if number < 2:
                        self.assert_same_predictions(old, new, tolerance, program)
                    if program == D:
                        self.check_densities(old, new)

    def test_a_split_with_replicas_streams_and_hosts(self):
        """Two replicas stream the file, then on two hosts; each takes its part of every batch."""
        with h5py.File(self.folder / "data.h5", "w") as file:
            file["x"] = self.x
            file["y"] = numpy.abs(self.x[:, :1])
        options = ("--data", "data.h5", "--experts", 3, "--expert-hidden", 4, "--valid", 0.3,
                   "--batch-size", 16, "--epochs", 3, "--replicas", 2, "--stream-block", 4)
        streams = ("--replicas", 2, "--stream", "always")
        hosts = {"LD_PRELOAD": os.environ["SEVERAL_HOSTS"], "COTERIE_TEST_HOSTS": 2}
        old = self.train("run", *options, *streams, ranks=2)
        self.train("memory", *options, "--stream", "never", ranks=2)
        self.assert_same_metrics(self.folder / "run", self.folder / "memory")
        new = self.train("new", "--resume", "run", "--split", "0,2", *streams, ranks=4, env=hosts)
        self.assertIn("4 on 2 hosts", self.result.stdout)
        self.assertIn("expert 2: it becomes 2 and 4", self.result.stdout)
        self.check_densities(old, new)

    def check_densities(self, old, new):
        """The same in NumPy; and twins are not quite equal, or they would never part."""
        before, after = (reference.Checkpoint(path) for path in (old, new))
        d = numpy.linspace(0, 1, len(self.x) * before.mixture.outputs(self.x[:1]).shape[2])
        d = d.reshape(len(self.x), -1)
        self.assertLess(numpy.abs(before.mixture.log_density(self.x, d) -
                                  after.mixture.log_density(self.x, d)).max(), 1e-12)
        g, o = after.mixture.proportions(self.x), after.mixture.outputs(self.x)
        for e, twin in ((0, 3), (2, 4)):
            self.assertLess(numpy.abs(g[e] - g[twin]).max(), 1e-6)
            self.assertGreater(numpy.abs(o[e] - o[twin]).max(), 0)
        with h5py.File(old) as was, h5py.File(new) as now:
            for slot in was.get("optimizer", ()):
                m, n = (file[f"optimizer/{slot}/experts/layer0/weight"][:] for file in (was, now))
                share = 4 if slot == "v" else 2
                self.assertTrue(numpy.array_equal(n[[0, 1, 2, 3, 4]] * [[[share]], [[1]], *[[[share]]] * 3],
                                                  m[[0, 1, 2, 0, 2]]), slot)

    def test_twins_part_and_learn(self):
        """Ten vowels are too many for two experts."""
        few = ("--data", "builtin:vowels10", "--experts", 2, "--quiet")
        self.train("two", *few, "--epochs", 300)
        self.train("four", "--resume", "two", "--split", "0,1", "--epochs", 900, "--quiet")
        self.train("still-two", "--resume", "two", "--epochs", 900, "--quiet")
        four, two = (support.read_metrics(self.folder / run)[-1] for run in ("four", "still-two"))
        self.assertEqual((four["epoch"], two["epoch"]), (900, 900))
        self.assertLess(four["error"], two["error"] - 0.02)

    def test_split_and_merge_are_inverse(self):
        for name, tolerance in (("classes", 1e-12), ("hidden layers", 1e-6),
                                ("Gaussian gate", 1e-12)):
            with self.subTest(name):
                old = self.train(name, "--data", "data.csv", *CASES[name], "--experts", 3,
                                 "--epochs", 25, "--quiet")
                self.train(f"{name}-5", "--resume", name, "--split", "1,2", "--quiet")
                back = self.train(f"{name}-3", "--resume", f"{name}-5", "--merge", "1,3;2,4",
                                  "--quiet")
                has_slots = "em" not in CASES[name]
                for part in ("/", "/optimizer/m", "/optimizer/v") if has_slots else ("/",):
                    a, b = (reference.read_parameters(path, part) for path in (old, back))
                    for key, value in a.items():
                        self.assertLess(numpy.abs(value - b[key]).max(), tolerance, part + key)

    def test_merge_by_the_formula(self):
        old = self.train("run", "--data", "data.csv", *NUMBERS,
                         "--variance", "learned", "--experts", 3, "--epochs", 60, "--quiet")
        new = self.train("merged", "--resume", "run", "--merge", "2,0")
        model = reference.Checkpoint(old)
        g = model.mixture.proportions(model.scale_x(self.x)).mean(1)
        u = g[0] / (g[0] + g[2])
        entropy = -u * numpy.log(u) - (1 - u) * numpy.log(1 - u)
        was, now = (reference.read_parameters(path) for path in (old, new))
        for name, value in was.items():
            expected = numpy.stack([u * value[0] + (1 - u) * value[2], value[1]])
            if name == "gate/layer0/bias":
                expected[0] += entropy
            self.assertLess(numpy.abs(now[name] - expected).max(), 1e-12, name)
        # The bound that the manual gives.
        a, b = (m.mixture._propagate("gate", m.scale_x(self.x))[0][-1][0]
                for m in (model, reference.Checkpoint(new)))
        self.assertTrue((b[:, 0] <= numpy.logaddexp(a[:, 0], a[:, 2]) + 1e-12).all())

    def test_prune(self):
        for name in ("classes", "Gaussian gate"):
            with self.subTest(name):
                self.check_pruned(name)

    def check_pruned(self, name):
        old = self.train(name, "--data", "data.csv", *CASES[name], "--experts", 4,
                         "--epochs", 20, "--quiet")
        new = self.train(f"{name}-3", "--resume", name, "--prune", "1")
        model = reference.Checkpoint(old)
        x = model.scale_x(self.x)
        g, o = model.mixture.proportions(x), model.mixture.outputs(x)
        kept = [0, 2, 3]
        y = numpy.einsum("en,eno->no", g[kept] / g[kept].sum(0), o[kept])
        self.assertLess(numpy.abs(reference.Checkpoint(new).mixture.combined(x) - y).max(), 1e-12)
        change = numpy.abs(model.mixture.combined(x) - y).max()
        self.assertLess(change, g[1].max())
        self.assertIn(f"{g[1].mean():.3g} in the mean and {g[1].max():.3g} at most",
                      self.result.stdout)

    def test_auto(self):
        """A dead expert, and two that are alike, made by hand; the worst expert by its errors."""
        old = self.train("run", "--data", "data.csv", *NUMBERS,
                         "--experts", 4, "--epochs", 40, "--variance", "learned", "--quiet")
        parameters = reference.read_parameters(old)
        parameters["gate/layer0/bias"][1] = -60
        for name in ("weight", "bias"):
            part = parameters[f"experts/layer0/{name}"]
            part[3] = part[0] + 1e-4
        parameters["experts/variance"][3] = parameters["experts/variance"][0]
        reference.write_parameters(self.folder / "init.h5", parameters)
        old = self.train("odd", "--data", "data.csv", *NUMBERS,
                         "--experts", 4, "--variance", "learned", "--init", "init.h5",
                         "--epochs", 0, "--quiet")
        new = self.train("pruned", "--resume", "odd", "--prune", "auto")
        self.assertIn("prune    expert 1: ", self.result.stdout)
        self.assertIn("experts 2-3 are now 1-2", self.result.stdout)
        self.assert_same_predictions(old, new, 1e-12)
        self.train("merged", "--resume", "odd", "--merge", "auto")
        self.assertIn("experts 0 and 3: they become 0", self.result.stdout)
        model = reference.Checkpoint(old)
        with open(self.folder / "data.csv", encoding="utf-8") as file:
            t = numpy.array([[float(row["t"])] for row in csv.DictReader(file)])
        x, d = model.scale_x(self.x), model.scale_y(t)
        h = model.mixture.posterior(x, d)
        q = ((d - model.mixture.outputs(x)) ** 2).sum(2)
        worst = (h * q).sum(1).argmax()
        self.train("split", "--init", "odd", "--data", "data.csv", *NUMBERS,
                   "--variance", "learned", "--split", "auto", "--epochs", 0)
        self.assertIn(f"split    expert {worst}: it becomes {worst} and 4", self.result.stdout)

    def test_the_same_bits_on_any_number_of_ranks_and_after_a_restart(self):
        change = ("--prune", 1, "--merge", "auto", "--split", "auto", "--split-spread", 0.1,
                  "--quiet")
        first = ("--data", "builtin:vowels10", "--experts", 5, "--valid", 0.2, "--batch-size", 100,
                 "--epochs", 6, "--quiet", "--clip", 1, "--entropy-weight", 0.1,
                 "--balance-weight", 0.1, "--anneal", "0.3:9")
        for program in (support.COTERIE, D):
            run = f"run-{program[-2:]}"
            self.train(run, *first, program=program)
            kept = self.contents(run)
            one = self.train(f"{run}-1", "--resume", run, *change, "--epochs", 12, program=program)
            three = self.train(f"{run}-3", "--resume", run, *change, "--epochs", 9,
                               program=program, ranks=3)
            three = self.train(f"{run}-3", "--resume", "auto", "--epochs", 12, "--quiet",
                               program=program, ranks=2)
            self.assert_same_checkpoint(one, three)
            self.assert_same_metrics(self.folder / f"{run}-1", self.folder / f"{run}-3")
            self.assertEqual(self.contents(run), kept)

    def contents(self, run):
        return {path: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted((self.folder / run).rglob("*")) if path.is_file()}

    def test_a_job_that_is_queued_again(self):
        """The same command line, again and again, splits once."""
        self.train("run", *VOWELS)
        command = ("--init", "run", "--split", "auto", "--resume", "auto", *VOWELS[:2], "--quiet")
        self.train("again", *command, "--epochs", 5)
        once = self.train("again", *command, "--epochs", 9, ranks=2)
        with h5py.File(once) as file:
            self.assertEqual(file["experts/layer0/weight"].shape[0], 4)
            self.assertEqual(file["progress"].attrs["epoch"], 9)
        self.assert_same_checkpoint(self.train("straight", *command, "--epochs", 9), once)

    def test_wrong_usage(self):
        self.train("run", *VOWELS)
        self.train("top", *VOWELS, "--top-k", 2)
        resume = ("--resume", "run", "--output", "new")
        for options, words in (
                ((*resume, "--split", 3), "there is no expert 3, the model has experts 0 to 2"),
                ((*resume, "--split", "1,"), "--split must be auto, or numbers"),
                ((*resume, "--merge", "1"), "--merge must be auto, or pairs"),
                ((*resume, "--merge", "0,1;1,2"), "expert 1 is named twice"),
                ((*resume, "--split", "0", "--experts", 3), "the 3 experts of run"),
                (("--resume", "top", "--output", "new", "--split", 0), "--top-k"),
                (("--output", "new", "--split", 0), "--resume RUN"),
                (("--output", "run", "--resume", "run", "--split", 0), "choose another --output"),
                (("--output", "run", "--resume", "auto", "--split", 0), "another --output"),
                (("--output", "new", "--init", "data.csv", "--split", 0), "data.csv"),
        ):
            result = support.run(D, "train", *options, cwd=self.folder)
            self.assert_rc(result, 2, words)
            self.assert_one_line(result)
            self.assertFalse((self.folder / "new").exists())
        result = support.run(D, "train", *resume, "--split", 3, cwd=self.folder, ranks=3)
        self.assert_rc(result, 2, "there is no expert 3")
        self.assert_one_line(result)


if __name__ == "__main__":
    support.main()
