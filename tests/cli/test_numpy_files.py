# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""NumPy arrays as data: all types and orders of numbers, and files that are damaged."""
import csv

import numpy
import support

TYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")


def example(n=40):
    x = numpy.random.default_rng(3).normal(size=(n, 3))
    return numpy.column_stack([x, x @ [1, -2, 0.5]])


class NumpyFiles(support.TestCase):
    def save(self, array, name="d.npy", **how):
        with open(self.folder / name, "wb") as file:
            numpy.lib.format.write_array(file, array, **how)

    def converted(self, *options):
        (self.folder / "out.csv").unlink(missing_ok=True)
        self.succeed(support.COTERIE, "convert", "d.npy", "out.csv", *options, cwd=self.folder)
        with open(self.folder / "out.csv", newline="", encoding="utf-8") as file:
            names, *rows = csv.reader(file)
        return names, numpy.array(rows, dtype=float)

    def refused(self, *texts, options=()):
        result = support.run(support.COTERIE, "inspect", "d.npy", *options, cwd=self.folder)
        self.assert_rc(result, 2, "d.npy", *texts)

    def test_types_and_orders(self):
        numbers = numpy.array([[0, 1, 100, 3], [5, 60, 7, 127], [9, 2, 1, 0]])
        for number, kind in enumerate(TYPES):
            array = numbers.astype(kind)
            if kind[0] != "u":
                array[1] = -array[1]
            if kind[0] == "f":
                array = array / numpy.array(3, kind)
                array[0, 1] = numpy.finfo(kind).smallest_subnormal
            order = "<>"[number % 2] if kind[1] != "1" else "|"
            array = numpy.array(array.astype(order + kind), order="CF"[number % 2])
            with self.subTest(kind=array.dtype.str):
                self.save(array, version=((1, 0), (2, 0), (3, 0))[number % 3])
                names, rows = self.converted()
                self.assertEqual(names, ["x0", "x1", "x2", "x3"])
                numpy.testing.assert_array_equal(rows, array.astype(float))

    def test_truth_values(self):
        array = numpy.array([[True, False], [False, False], [True, True]])
        self.save(array)
        numpy.testing.assert_array_equal(self.converted()[1], array.astype(float))

    def test_columns_are_chosen_by_name(self):
        self.save(example())
        names, rows = self.converted("--inputs", "x3,x1", "--targets", "x0")
        self.assertEqual(names, ["x3", "x1", "x0"])
        numpy.testing.assert_array_equal(rows, example()[:, [3, 1, 0]])

    def test_trained_on_as_a_text_table(self):
        self.save(numpy.asfortranarray(example()))
        numpy.savetxt(self.folder / "d.csv", example(), delimiter=",", fmt="%.17g",
                      header="x0,x1,x2,x3", comments="")
        for name in ("d.npy", "d.csv"):
            self.succeed(support.COTERIE, "train", "--data", name, "--valid", 0.2, "--epochs", 3,
                         "--quiet", "--output", name[2:], cwd=self.folder)
        self.assert_same_metrics(self.folder / "npy", self.folder / "csv")
        self.save(example()[:7, :3])
        for name in ("npy", "csv"):
            self.succeed(support.COTERIE, "predict", name, "--data", "d.npy", "--output",
                         f"{name}.csv", cwd=self.folder)
        self.assertEqual((self.folder / "npy.csv").read_text(encoding="ascii"),
                         (self.folder / "csv.csv").read_text(encoding="ascii"))

    def test_missing_and_infinite(self):
        array = example()
        array[4, 1] = numpy.nan
        self.save(array)
        said = self.succeed(support.COTERIE, "inspect", "d.npy", cwd=self.folder).stdout
        self.assertRegex(said, r"x1 .* 1 missing\n")
        array[4, 1] = -numpy.inf
        self.save(array)
        self.refused("row 4 (from 0), column 'x1'", "'-inf' is not a finite number")

    def test_refused(self):
        for array, text in ((numpy.zeros((2, 3, 4)), "(2, 3, 4)"), (numpy.float64(1), "shape ()"),
                            (numpy.zeros((0, 3)), "(0, 3)"), (numpy.ones((3, 2), "c16"), "<c16"),
                            (numpy.array([["a", "b"]]), "<U1"),
                            (numpy.zeros(3, [("a", "f8"), ("b", "f8")]), "no plain numbers")):
            with self.subTest(text=text):
                self.save(numpy.asarray(array))
                self.refused(text)
        self.save(example())
        self.refused("--categories", options=("--categories", "x0"))

    def test_damaged(self):
        self.save(example(3))
        whole = (self.folder / "d.npy").read_bytes()
        for length in (0, 5, 7, 9, 40, 127, 128, len(whole) - 1):
            with self.subTest(length=length):
                (self.folder / "d.npy").write_bytes(whole[:length])
                self.refused("damaged")
        (self.folder / "d.npy").write_bytes(whole + b"\0")
        self.refused("more than one")
        for before, after in ((b"(3, 4)", b"(9999999999, 4)"), (b"(3, 4)", b"(-1, 4)"),
                              (b"(3, 4)", b"(3, 99999999999999999999)"), (b"'shape'", b"'shabe'"),
                              (b"\x01\x00", b"\x07\x00")):
            with self.subTest(after=after):
                changed = whole.replace(before, after, 1)
                (self.folder / "d.npy").write_bytes(changed)
                self.refused("")


if __name__ == "__main__":
    support.main()
