# SPDX-License-Identifier: BSD-3-Clause
"""Rows that lack a value, with --missing drop or refuse, in all formats: predict keeps their place,
evaluate leaves them out.

What is said of the other rows is what is said of a file that has only those.
"""
import csv
import json

import h5py
import numpy
import support

N = 60
GAPS = {3: 0, 4: 1, 41: 1}  # row: column
COMPLETE = [row for row in range(N) if row not in GAPS]
WORDS = ("no", "yes", "perhaps")


def samples():
    rng = numpy.random.default_rng(5)
    x = rng.integers(-50, 50, size=(N, 2)) / 8  # whole after packing by 1/8
    return x, numpy.sin(x[:, 0]) + x[:, 1]


def with_gaps(x):
    x = x.copy()
    for row, column in GAPS.items():
        x[row, column] = numpy.nan
    return x


def write(path, x, y, **kind):
    """One table in the format of the path's ending; `kind` is of HDF5 only."""
    if path.suffix == ".npy":
        numpy.save(path, numpy.column_stack([x, y]))
    elif path.suffix == ".csv":
        with open(path, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["x0", "x1", "y"])
            for row, target in zip(x, y):
                rows.writerow(["" if numpy.isnan(v) else v for v in (*row, target)])
    else:
        with h5py.File(path, "w") as file:
            write_hdf5(file, x, y, **kind)
    return path


def write_hdf5(file, x, y, packed=False, chunks=None):
    if packed:
        numbers = numpy.where(numpy.isnan(x), -999, x * 8).astype("i2")
        file["x"] = numbers
        file["x"].attrs.update({"scale_factor": 0.125, "_FillValue": numpy.int16(-999)})
    else:
        file.create_dataset("x", data=x, chunks=chunks, compression="gzip" if chunks else None)
    file["y"] = [str(label) for label in y] if isinstance(y[0], str) else y


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_rows(judged, rows):
    """A judgement of a file of some rows, as it is said of the file that they come from."""
    if isinstance(judged, list):
        return [of_rows(item, rows) for item in judged]
    if not isinstance(judged, dict):
        return judged
    return {key: int(rows[value]) if key == "sample" else of_rows(value, rows)
            for key, value in judged.items()}


class Missing(support.TestCase):
    def setUp(self):
        super().setUp()
        self.x, self.y = samples()

    def train(self, path, *extra):
        run = self.folder / f"run-{path.name}"
        self.succeed(support.COTERIE, "train", "--data", path, "--experts", 2, "--epochs", 5,
                     "--quiet", "--output", run, "--missing", "drop", *extra)
        return run

    def predict(self, run, path, *extra, ranks=None):
        out = self.folder / "p.csv"
        out.unlink(missing_ok=True)
        result = self.succeed(support.COTERIE, "predict", run, "--data", path, "--output", out,
                              *extra, ranks=ranks)
        return result, read_csv(out)

    def evaluate(self, run, path, *extra, ranks=None):
        result = self.succeed(support.COTERIE, "evaluate", run, "--data", path, "--json", *extra,
                              ranks=ranks)
        return result, json.loads(result.stdout)

    def assert_predicted(self, result, got, whole, gaps=tuple(GAPS)):
        self.assertEqual(len(got), N)
        for row, numbers in enumerate(got):
            if row in gaps:
                self.assertEqual({v for v in numbers.values()} - {"", "nan"}, set(), f"row {row}")
            else:
                self.assertEqual(numbers, whole[row], f"row {row}")
        self.assertIn(f"{len(gaps)} of {N} rows lack a value", result.stderr, str(result))

    def check(self, name, *extra, variants=((),), **kind):
        """A model of a whole table, and what it makes of the same table with gaps."""
        whole = write(self.folder / f"whole-{name}", self.x, self.y, **kind)
        some = write(self.folder / f"some-{name}", with_gaps(self.x), self.y, **kind)
        rest = write(self.folder / f"rest-{name}", self.x[COMPLETE], self.y[COMPLETE], **kind)
        run = self.train(whole, *extra)
        _, expected = self.predict(run, whole)
        _, judged = self.evaluate(run, rest)
        for options in variants:
            ranks = 3 if options else None
            with self.subTest(name, options=options):
                self.assert_predicted(*self.predict(run, some, *options, ranks=ranks), expected)
                result, found = self.evaluate(run, some, *options, ranks=ranks)
                self.assertEqual(found, of_rows(judged, COMPLETE))
                self.assertIn(f"{len(GAPS)} of {N} rows lack a value and are left out",
                              result.stderr)
        result = support.run(support.COTERIE, "train", "--data", some, "--output",
                             self.folder / "no", "--missing", "refuse", *extra)
        self.assert_rc(result, 2, "row 3 (from 0)" if some.suffix != ".csv" else "line 5", "'x0'")

    def test_tables(self):
        self.check("t.csv")
        self.check("t.npy")

    def test_hdf5(self):
        self.check("t.h5", variants=((), ("--stream", "always"), ("--read", "node")))
        self.check("packed.h5", packed=True)
        self.check("chunks.h5", chunks=(7, 2), variants=((), ("--stream", "always")))

    def test_categories(self):
        self.x[:, 1] = numpy.arange(N) % 3
        self.check("c.csv", "--categories", "x1")
        self.check("c.h5", "--categories", "x1")

    def test_targets(self):
        """Without a target there is still a prediction; a judgement of the others."""
        path = write(self.folder / "t.h5", self.x, self.y)
        run = self.train(path)
        _, expected = self.predict(run, path)
        self.y[17] = numpy.nan
        some = write(self.folder / "some.h5", with_gaps(self.x), self.y)
        result, got = self.predict(run, some)
        without_h = [{k: v for k, v in row.items() if k[0] != "h"} for row in expected]
        self.assert_predicted(result, got, without_h)
        self.assertIn("row 17 (from 0)", result.stderr)
        rows = [row for row in COMPLETE if row != 17]
        _, judged = self.evaluate(run, write(self.folder / "rest.h5", self.x[rows], self.y[rows]))
        result, found = self.evaluate(run, some)
        self.assertEqual(found, of_rows(judged, rows))
        self.assertIn(f"4 of {N} rows lack a value", result.stderr)

    def test_labels(self):
        """Of all kinds that HDF5 has: a text, a number, a code of an enumeration."""
        label = numpy.arange(N) * 7 // 5 % 3
        gap = numpy.arange(N) == 17
        enum = h5py.enum_dtype({name: i for i, name in enumerate(WORDS)}, basetype="i1")

        def texts(file, label, gap):
            file["y"] = [WORDS[i] if not g else "" for i, g in zip(label, gap)]

        def numbers(file, label, gap):
            file["y"] = numpy.where(gap, -9, label).astype("i4")
            file["y"].attrs["_FillValue"] = numpy.int32(-9)

        def doubles(file, label, gap):
            file["y"] = numpy.where(gap, numpy.nan, label)

        def codes(file, label, gap):
            file.create_dataset("y", data=numpy.where(gap, 9, label).astype("i1"), dtype=enum)

        for kind in (texts, numbers, doubles, codes):
            with self.subTest(kind.__name__):
                def write_kind(name, rows, gap, kind=kind):
                    with h5py.File(self.folder / name, "w") as file:
                        file["x"] = self.x[rows]
                        kind(file, label[rows], gap[rows])
                    return self.folder / name

                rows = numpy.flatnonzero(~gap)
                whole = write_kind(f"{kind.__name__}.h5", numpy.arange(N), gap & False)
                run = self.train(whole, "--task", "classification")
                some = write_kind("some.h5", numpy.arange(N), gap)
                _, expected = self.predict(run, whole)
                result, got = self.predict(run, some)
                self.assertIn("row 17 (from 0)", result.stderr)
                for row, numbers_of in zip(got, expected):
                    self.assertEqual(row, {k: v for k, v in numbers_of.items() if k[0] != "h"})
                _, judged = self.evaluate(run, write_kind("rest.h5", rows, gap))
                result, found = self.evaluate(run, some)
                self.assertEqual(found, of_rows(judged, rows))
                self.assertIn(f"1 of {N} rows lack a value and are left out", result.stderr)

    def test_groups_and_weights(self):
        """They play a part in evaluate only."""
        def write_all(name, rows, gap):
            with h5py.File(self.folder / name, "w") as file:
                file["x"], file["y"] = self.x[rows], self.y[rows]
                file["weight"] = numpy.where(gap & (rows == 5), numpy.nan, 1 + rows % 3)
                file["group"] = ["" if gap and row == 9 else f"g{row % 4}" for row in rows]
            return self.folder / name

        rows = numpy.arange(N)
        run = self.train(write_all("whole.h5", rows, False), "--group", "group", "--weight",
                         "weight")
        some = write_all("some.h5", rows, True)
        rows = rows[(rows != 5) & (rows != 9)]
        _, judged = self.evaluate(run, write_all("rest.h5", rows, False))
        result, found = self.evaluate(run, some)
        self.assertEqual(found, of_rows(judged, rows))
        self.assertIn(f"2 of {N} rows lack a value and are left out", result.stderr)

    def test_no_row_is_complete(self):
        lacking = self.x * [1, numpy.nan]
        for name in ("none.h5", "none.npy", "none.csv"):
            run = self.train(write(self.folder / f"whole-{name}", self.x, self.y))
            none = write(self.folder / name, lacking, self.y)
            for command in (("predict", run, "--output", self.folder / "p.csv"), ("evaluate", run)):
                result = support.run(support.COTERIE, *command, "--data", none)
                self.assert_rc(result, 2)
                self.assertIn("no row is complete", self.assert_one_line(result))

    def test_infinite_numbers_are_refused(self):
        path = write(self.folder / "t.h5", self.x, self.y)
        run = self.train(path)
        self.x[3, 1] = numpy.inf
        infinite = write(self.folder / "inf.h5", self.x, self.y)
        result = support.run(support.COTERIE, "predict", run, "--data", infinite, "--output",
                             self.folder / "p.csv")
        self.assert_rc(result, 2, "row 3 (from 0)", "inf")


if __name__ == "__main__":
    support.main(jobs=2)
