# SPDX-License-Identifier: BSD-3-Clause
"""Missing values that a model learns from (--missing auto): what they become, and everywhere the same.

The reference is NumPy, or the same table with the inputs made by hand.
"""
import csv
import json
import os
import pathlib
import sys

import h5py
import numpy
import support

BUILD = pathlib.Path(support.COTERIE).resolve().parent
os.environ.setdefault("COTERIE_LIBRARY", str(BUILD / "libcoterie.so"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "src/bindings/python"))
import coterie  # noqa: E402  (needs the two lines above)

N = 150
NAMES = ("a", "b", "c")
HUES = ("blue", "red")


def samples():
    rng = numpy.random.default_rng(8)
    x = rng.normal(size=(N, 3)) * [1, 20, 3] + [0, 500, 2]
    hue = rng.integers(0, 2, N)
    y = x[:, 0] + x[:, 1] / 20 + (2 * hue - 1) * x[:, 2]
    x[rng.random((N, 3)) < [0.3, 0.1, 0]] = numpy.nan
    return x, numpy.where(rng.random(N) < 0.2, -1, hue), y


class Learned(support.TestCase):
    def setUp(self):
        super().setUp()
        self.x, self.hue, self.y = samples()

    def write(self, name, x=None, hue=None, y=None, names=NAMES):
        """CSV with or without a column of text, or HDF5."""
        path = self.folder / name
        x = self.x if x is None else x
        y = self.y if y is None else y
        if path.suffix == ".h5":
            with h5py.File(path, "w") as file:
                file["x"], file["y"] = x, y
                file["x"].attrs["names"] = list(names)
            return path
        texts = [] if hue is None else [[(*HUES, "NA")[h]] for h in hue]
        with open(path, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow([*names, *(["hue"] if texts else []), "y"])
            for i, row in enumerate(x):
                numbers = ["" if numpy.isnan(v) else repr(float(v)) for v in (*row, y[i])]
                rows.writerow([*numbers[:-1], *(texts[i] if texts else []), numbers[-1]])
        return path

    def train(self, run, data, *options, **how):
        return self.succeed(support.COTERIE, "train", "--data", data, "--experts", 2, "--epochs", 6,
                            "--output", self.folder / run, *options, **how)

    def predict(self, run, data, *options, **how):
        out = self.folder / "p.csv"
        out.unlink(missing_ok=True)
        result = self.succeed(support.COTERIE, "predict", self.folder / run, "--data", data,
                              "--output", out, *options, **how)
        with open(out, encoding="utf-8", newline="") as file:
            return result, list(csv.DictReader(file))

    def by_hand(self):
        """The table as the model sees it without scaling: 0 where there is nothing, and that told."""
        one = numpy.stack([self.hue == k for k in range(2)], axis=1)
        gaps = numpy.isnan(self.x)
        return (numpy.column_stack([numpy.where(gaps, 0, self.x), one, gaps[:, :2], self.hue < 0]),
                ("a", "b", "c", "hue=blue", "hue=red", "gap a", "gap b", "gap hue"))

    def test_the_same_bits_as_inputs_by_hand(self):
        """With a column of text; on one rank and on three; gate and experts see what they ask for."""
        options = ("--scale", "none", "--learning-rate", 1e-4)
        for name, ours, theirs in (
                ("all", (), ()),
                ("some", ("--gate-inputs", "hue,b"),
                 ("--gate-inputs", "hue=blue,hue=red,b,gap b,gap hue"))):
            result = self.train(name, self.write("t.csv", hue=self.hue), *options, *ours,
                                ranks=3 if name == "all" else None)
            x, names = self.by_hand()
            self.train(name + "-hand", self.write("hand.csv", x, names=names), "--missing", "refuse",
                       *options, *theirs)
            self.assert_same_metrics(self.folder / name, self.folder / (name + "-hand"))
        counts = numpy.isnan(self.x).sum(axis=0)
        self.assertIn(f"{counts.sum() + (self.hue < 0).sum()} values of inputs are missing in {N} "
                      f"rows ('a' {counts[0]}, 'b' {counts[1]}, 'hue' {(self.hue < 0).sum()})",
                      result.stderr)

    def test_scaling_and_predictions_in_numpy(self):
        """Moments of what is there; what is missing is 0 after scaling."""
        self.train("run", self.write("t.h5"))
        gaps = numpy.isnan(self.x)
        with h5py.File(self.folder / "run/checkpoints/latest") as file:
            scale = {name: file[f"scaler/{name}"][:] for name in file["scaler"]}
            gate, experts = (
                [file[f"{part}/layer0/{what}"][:].astype(float) for what in ("weight", "bias")]
                for part in ("gate", "experts"))
            self.assertEqual([name.decode() for name in file["names/inputs"][:]],
                             [*NAMES, "missing(a)", "missing(b)"])
        table = numpy.column_stack([self.x, gaps[:, :2]])
        numpy.testing.assert_allclose(scale["x_mean"], numpy.nanmean(table, axis=0), rtol=1e-12)
        numpy.testing.assert_allclose(scale["x_scale"], numpy.nanstd(table, axis=0), rtol=1e-12)
        z = numpy.nan_to_num((table - scale["x_mean"]) / scale["x_scale"], nan=0)
        logits = z @ gate[0].T + gate[1]
        g = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
        o = numpy.einsum("nd,ekd->nek", z, experts[0]) + experts[1]
        y = (g[:, :, None] * o).sum(axis=1) * scale["y_scale"] + scale["y_mean"]
        _, rows = self.predict("run", self.folder / "t.h5")
        numpy.testing.assert_allclose([float(row["y_y0"]) for row in rows], y[:, 0], rtol=1e-5,
                                      atol=1e-5)
        model = coterie.load(self.folder / "run")
        self.assertEqual(model.inputs, list(NAMES))
        self.assertEqual(model.predict(self.x).tolist(), [float(row["y_y0"]) for row in rows])
        slope = model.jacobian(self.x)
        self.assertEqual(slope.shape, (N, 1, 3))
        self.assertTrue((slope[:, 0][gaps] == 0).all() and (slope[:, 0][~gaps] != 0).all())
        step = 1e-3
        for c in range(3):
            moved = self.x + step * (numpy.arange(3) == c)
            numpy.testing.assert_allclose((model.predict(moved) - model.predict(self.x)) / step,
                                          slope[:, 0, c], atol=2e-2)
        lacks_c = self.x.copy()
        lacks_c[5, 2] = numpy.nan
        self.assertEqual(numpy.flatnonzero(numpy.isnan(model.predict(lacks_c))).tolist(), [5])

    def test_ranks_streams_and_restarts(self):
        """HDF5, in memory and streamed, with a part held out, and a row without a target."""
        y = self.y.copy()
        y[17] = numpy.nan
        data = self.write("t.h5", y=y)
        options = ("--valid", 0.2, "--optimizer", "adam", "--batch-size", 16)
        result = self.train("one", data, *options)
        self.assertIn(f"1 of {N} rows lack a value that is needed, and are left out", result.stderr)
        self.train("three", data, *options, "--stream", "always", ranks=3)
        self.assert_same_metrics(self.folder / "one", self.folder / "three")
        self.assert_same_checkpoint(self.folder / "one/checkpoints/latest",
                                    self.folder / "three/checkpoints/latest")
        self.train("two", data, *options, "--epochs", 3, ranks=2)
        self.train("two", data, *options, "--resume", "auto")
        self.assert_same_metrics(self.folder / "one", self.folder / "two")
        refused = support.run(support.COTERIE, "train", "--data", data, "--output",
                              self.folder / "two", "--resume", "auto", "--missing", "drop")
        self.assert_rc(refused, 2, "--missing", "drop", "auto")
        judged = json.loads(self.succeed(support.COTERIE, "evaluate", self.folder / "one", "--part",
                                         "valid", "--data", data, "--json").stdout)
        best = min(support.read_metrics(self.folder / "one"), key=lambda row: row["error_valid"])
        self.assertAlmostEqual(judged["rmse"], best["rmse_valid"], places=6)

    @support.only_with_open_mpi("the ranks of MPICH are not of several hosts here")
    def test_other_hosts_read_the_same(self):
        """Inputs by the file of training, and for validation by the model."""
        for name in ("h5", "csv"):
            data = self.write(f"t.{name}")
            options = (data, "--valid", self.write(f"v.{name}", self.x[:30], y=self.y[:30]))
            self.train(name + "-1", *options)
            self.train(name + "-2", *options, "--read", "node", ranks=2,
                       env={"LD_PRELOAD": os.environ["SEVERAL_HOSTS"], "COTERIE_TEST_HOSTS": 2})
            self.assert_same_metrics(self.folder / (name + "-1"), self.folder / (name + "-2"))

    def test_inspect_and_convert(self):
        """Statistics are those of NumPy of what is there; a converted file trains to the same bits."""
        table = self.write("t.csv")
        said = self.succeed(support.COTERIE, "inspect", table).stdout
        line = next(line.split() for line in said.splitlines() if line.split()[:1] == ["a"])
        numbers = [f"{v(self.x[:, 0]):.6g}" for v in (numpy.nanmin, numpy.nanmean, numpy.nanmax)]
        missing = str(numpy.isnan(self.x[:, 0]).sum())
        self.assertEqual(["numbers", missing, *numbers], line[1:])
        self.succeed(support.COTERIE, "convert", table, self.folder / "t.h5")
        said = self.succeed(support.COTERIE, "inspect", self.folder / "t.h5").stdout
        line = next(line.split() for line in said.splitlines() if line.split()[:1] == ["a"])
        self.assertEqual([*numbers, missing, "missing"], line[1:])
        self.succeed(support.COTERIE, "convert", self.folder / "t.h5", self.folder / "again.csv")
        for name in ("t.csv", "t.h5", "again.csv"):
            self.train(name + "-run", self.folder / name)
            self.assert_same_metrics(self.folder / "t.csv-run", self.folder / (name + "-run"))

    def test_targets(self):
        """One target or several: rows without all of them are left out, as from a shorter file."""
        y = self.y.copy()
        y[[3, 40]] = numpy.nan
        rows = numpy.flatnonzero(~numpy.isnan(y))
        x = numpy.column_stack([numpy.nan_to_num(self.x), y])
        some = self.write("some.csv", x[:, :3], y=y)
        self.train("some", some)
        self.train("rest", self.write("rest.csv", x[rows, :3], y=y[rows]))
        self.assert_same_metrics(self.folder / "some", self.folder / "rest")
        self.train("two", some, "--targets", "c,y")
        self.train("two-rest", self.folder / "rest.csv", "--targets", "c,y")
        self.assert_same_metrics(self.folder / "two", self.folder / "two-rest")

    def test_other_files(self):
        """A column without gaps in training counts as its mean; one of training may be whole."""
        self.train("run", self.write("t.csv", hue=self.hue), "--valid",
                   self.write("valid.csv", self.x[:40], self.hue[:40], self.y[:40]))
        other = self.x[:4].copy()
        other[0] = 1, 480, numpy.nan
        other[1] = 1, 480, numpy.mean(self.x[:, 2])
        other[2:] = 1, 480, 2
        result, rows = self.predict("run", self.write("o.csv", other, [0, 0, 1, -1], self.y[:4]))
        self.assertIn("1 values of inputs are missing in 4 rows ('c' 1) where none was missing",
                      result.stderr)
        first, second = (float(row["y_y"]) for row in rows[:2])
        self.assertAlmostEqual(first, second, delta=1e-5 * abs(second))
        again, whole = self.predict("run", self.write("w.csv", other[1:3], [0, 1], self.y[:2]))
        self.assertNotIn("missing", again.stderr)
        self.assertEqual([row["y_y"] for row in whole], [row["y_y"] for row in rows[1:3]])

    def test_categories_in_hdf5(self):
        x = self.x.copy()
        x[:, 2] = numpy.where(numpy.arange(N) % 7 == 0, numpy.nan, numpy.arange(N) % 3)
        said = self.train("run", self.write("t.h5", x), "--categories", "c", ranks=2).stdout
        self.assertIn("8 inputs (a, b, c=0, c=1, c=2, missing(a), missing(b), missing(c))", said)
        _, rows = self.predict("run", self.folder / "t.h5", "--stream", "always", ranks=2)
        self.assertTrue(all(numpy.isfinite(float(row["y_y0"])) for row in rows))

    def test_what_is_refused(self):
        empty = self.x.copy()
        empty[:, 1] = numpy.nan
        infinite = self.x.copy()
        infinite[4, 2] = numpy.inf
        clash = ("a", "missing(a)", "c")
        for name, words, data, *options in (
                ("refuse", ("line 3", "missing"), self.write("t.csv"), "--missing", "refuse"),
                ("empty", ("'b'", "no value"), self.write("e.csv", empty), "--inputs", "a,b"),
                ("empty-h5", ("'b'", "no value"), self.write("e.h5", empty)),
                ("offset", ("offset 'a'", "no value"), self.write("o.csv", y=numpy.arange(N) % 5.),
                 "--likelihood", "poisson", "--offset", "a"),
                ("inf", ("line 6", "'c'", "inf"), self.write("i.csv", infinite)),
                ("inf-h5", ("row 4 (from 0)", "inf"), self.write("i.h5", infinite)),
                ("clash", ("missing(a)", "rename"), self.write("n.csv", self.x[:, [0, 2, 1]],
                                                               names=("c", "a", "missing(a)"))),
                ("clash-h5", ("missing(a)", "rename"), self.write("n.h5", self.x[:, [0, 1]],
                                                                  names=clash[:2]))):
            with self.subTest(name):
                result = support.run(support.COTERIE, "train", "--data", data, "--output",
                                     self.folder / "no", *options)
                self.assert_rc(result, 2, *words)


if __name__ == "__main__":
    support.main(jobs=2)
