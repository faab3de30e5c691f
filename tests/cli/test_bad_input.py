# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
"""Bad input ends in one clear line and exit code 2, on one rank and on three, and leaves nothing.

    test_bad_input.py                cases in turn on one rank, and on three
    test_bad_input.py --every-count  each case on both
"""
import concurrent.futures
import math
import sys

import h5py
import numpy
import support

EVERY_COUNT = "--every-count" in sys.argv
ROWS = [[0.5 * i, i % 3 - 1.0, (7 * i) % 5 + 0.25] for i in range(20)]
SECONDS = 15  # no answer to wrong input may take longer


def write_csv(path, rows, header="a,b,t"):
    lines = [header] if header else []
    lines += [",".join(str(value) for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows_with(row, column, value):
    rows = [list(r) for r in ROWS]
    rows[row][column] = value
    return rows


def labelled(name):
    return [[*row[:2], name(i)] for i, row in enumerate(ROWS)]


REFUSE = ("--missing", "refuse")
# Of CSV files: rows or text, header, options, and what the one line says besides the file's name.
CSV = {
    "empty file": ("", None, (), ("empty|no samples",)),
    "header only": ([], "a,b,t", (), ("no samples|no rows|header",)),
    "ragged": ([*ROWS[:3], [1, 2], *ROWS[4:]], "a,b,t", (), (r"line 5\b", "2", "3")),
    "too long": ([*ROWS[:3], [1, 2, 3, 4], *ROWS[4:]], "a,b,t", (), (r"line 5\b", "4", "3")),
    "a word among numbers": (rows_with(6, 1, "seven"), "a,b,t", (), (r"line 8\b", "seven", r"\bb\b")),
    "missing value": (rows_with(6, 0, ""), "a,b,t", REFUSE, (r"line 8\b", r"\ba\b", "missing|empty")),
    "missing target": (rows_with(6, 2, ""), "a,b,t", REFUSE, (r"line 8\b", r"\bt\b", "missing|empty")),
    "NaN": (rows_with(19, 0, "nan"), "a,b,t", REFUSE, (r"line 21\b", r"\ba\b", "nan|finite")),
    "NaN as target": (rows_with(0, 2, "NaN"), "a,b,t", REFUSE, (r"line 2\b", r"\bt\b", "NaN|finite")),
    "NA as target": (rows_with(6, 2, "NA"), "a,b,t", REFUSE, (r"line 8\b", "'NA'", "missing")),
    "Inf": (rows_with(4, 1, "-inf"), "a,b,t", (), (r"line 6\b", r"\bb\b", "-inf|finite")),
    "too large": (rows_with(4, 1, "1e999"), "a,b,t", (), (r"line 6\b", r"\bb\b", "1e999|finite")),
    "duplicate column": (ROWS, "a,a,t", (), (r"\ba\b", "twice|duplicate|same name")),
    "no name": (ROWS, "a,,t", (), ("name",)),
    "one class": (labelled(lambda i: "yes"), "a,b,t", (), ("yes", "class")),
    "one column": ([[1], [2]], "a", (), ("column",)),
    "no such target": (ROWS, "a,height,t", ("--targets", "heigth"), ("heigth", "height")),
    "no such input": (ROWS, "a,width,t", ("--inputs", "a,witdh"), ("witdh", "width")),
    "target among inputs": (ROWS, "a,b,t", ("--inputs", "a,t"), ("--targets",)),
    "labels for regression": (labelled(lambda i: "xy"[i % 2]), "a,b,t", ("--task", "regression"),
                              ("--task|regression|number",)),
    "three classes for Bernoulli": (labelled(lambda i: "xyz"[i % 3]), "a,b,t",
                                    ("--likelihood", "bernoulli"), ("bernoulli", "3")),
    "Bernoulli out of range": (rows_with(3, 2, 1.5), "a,b,t",
                               ("--likelihood", "bernoulli", "--targets", "b,t"),
                               (r"\[0, 1\]|0 to 1",)),
    "logistic out of range": (ROWS, "a,b,t", ("--expert-output", "logistic"), ("logistic|identity",)),
    "negative weight": (rows_with(9, 1, -2), "a,b,t", ("--weight", "b"), ("weight", r"line (2|11)\b")),
    "no weight at all": ([[r[0], 0, r[2]] for r in ROWS], "a,b,t", ("--weight", "b"), ("weight",)),
    "all are held out": (ROWS, "a,b,t", ("--valid", 1), ("--valid|valid",)),
    "one group": ([[r[0], 1, r[2]] for r in ROWS], "a,b,t", ("--group", "b", "--valid", 0.2),
                  ("group",)),
    "classifier's likelihood with 1.1": (labelled(lambda i: "xy"[i % 2]), "a,b,t",
                                         ("--error", "cooperative", "--likelihood", "categorical"),
                                         ("cooperative|1.1|--error",)),
    "learned variance with 1.2": (ROWS, "a,b,t", ("--error", "competitive", "--variance", "learned"),
                                  ("variance",)),
}


class BadInput(support.TestCase):
    """Cases are collected and run together, four at a time: mpirun takes a second to end a job that
    failed."""

    def setUp(self):
        super().setUp()
        self.cases = []
        self.addCleanup(lambda: self.assertEqual(self.cases, [], "cases that were not run"))

    def place(self, name):
        """A folder for one case."""
        folder = self.folder / f"{len(self.cases)} {name.replace('/', '_')[:60]}"
        folder.mkdir()
        return folder

    def expect(self, name, folder, command, *options, words=()):
        """A line with `words` (regular expressions), and nothing new in the folder it is run in."""
        self.cases.append((name, folder, [command, *options], words, set(folder.rglob("*"))))

    def expect_training(self, name, folder, *options, words=()):
        self.expect(name, folder, "train", *options, "--output", "run/deeper", words=words)

    def check_all(self):
        def run(case, ranks):
            try:
                return support.run(support.COTERIE, *case[2], ranks=ranks, cwd=case[1],
                                   timeout=SECONDS)
            except AssertionError as hung:
                return hung

        cases, self.cases = self.cases, []
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [(case, ranks, pool.submit(run, case, ranks)) for i, case in enumerate(cases)
                    for ranks in ((None, 3) if EVERY_COUNT else ((None, 3)[i % 2],))]
        for (name, folder, _, words, before), ranks, job in jobs:
            with self.subTest(name, ranks=ranks):
                result = job.result()
                if isinstance(result, AssertionError):
                    raise result
                self.assert_rc(result, 2)
                line = self.assert_one_line(result)
                for word in words:
                    self.assertRegex(line, word)
                self.assertEqual(set(folder.rglob("*")) - before, set(), line)


class OfCsv(BadInput):
    def test_content(self):
        for name, (rows, header, options, words) in CSV.items():
            folder = self.place(name)
            if isinstance(rows, str):
                (folder / "data.csv").write_text(rows, encoding="utf-8")
            else:
                write_csv(folder / "data.csv", rows, header)
            # Where an option is wrong there is no file to name.
            file = () if "--error" in options or "--valid" in options else ("data.csv",)
            self.expect_training(name, folder, "--data", "data.csv", *options, words=(*file, *words))
        folder = self.place("binary")
        (folder / "data.csv").write_bytes(bytes(range(256)) * 10)
        self.expect_training("binary", folder, "--data", "data.csv", words=("data.csv",))
        self.check_all()

    def test_no_file(self):
        (self.folder / "folder").mkdir()
        for path in ("missing.csv", "missing.h5", "../folder", "deeper/missing.csv"):
            self.expect_training(path, self.place(path), "--data", path, words=(path,))
        for option, path, word in (("--data", "builtin:vowel", "builtin:vowels"),
                                   ("--valid", "missing.csv", "missing.csv"),
                                   ("--init", "missing.h5", "missing.h5"),
                                   ("--config", "missing.yaml", "missing.yaml")):
            self.expect_training(option, self.place(option), option, path, words=(word,))
        self.check_all()

    def test_other_columns_for_validation(self):
        folder = self.place("validation")
        write_csv(folder / "data.csv", ROWS)
        write_csv(folder / "other.csv", ROWS, "a,c,t")
        self.expect_training("validation", folder, "--data", "data.csv", "--valid", "other.csv",
                             words=("other.csv", r"\bb\b"))
        self.check_all()


class OfHdf5(BadInput):
    def expect_bytes(self, name, content, *words):
        folder = self.place(name)
        (folder / "data.h5").write_bytes(content)
        self.expect_training(name, folder, "--data", "data.h5", words=("data.h5", *words))

    def expect_content(self, name, *words, options=(), **content):
        rng = numpy.random.default_rng(1)
        folder = self.place(name)
        content = {"x": rng.normal(size=(30, 3)), "y": rng.normal(size=(30, 2)), **content}
        with h5py.File(folder / "data.h5", "w") as file:
            for data_set, value in content.items():
                if value is not None:
                    file[data_set] = value
        self.expect_training(name, folder, "--data", "data.h5", *options, words=("data.h5", *words))

    def test_numbers(self):
        for bad in (math.nan, math.inf, -math.inf):
            x, y = numpy.ones((30, 3)), numpy.ones((30, 2))
            x[21, 2] = bad
            self.expect_content(f"{bad} in x", "/x", "21", "2", x=x, options=REFUSE)
            y[7, 1] = bad
            self.expect_content(f"{bad} in y", "/y", "7", "1", y=y, options=REFUSE)
        self.expect_content("NaN as weight", "/weight", weight=numpy.full(30, math.nan))
        self.expect_content("beyond single precision", "x", x=numpy.full((30, 3), 1e300),
                            options=("--scale", "none"))
        self.check_all()

    def test_shapes(self):
        expect = self.expect_content
        expect("no x", "/x", x=None)
        expect("no y", "/y", y=None)
        expect("other number of rows", "/y", "29", "30", y=numpy.ones((29, 2)))
        expect("other number of weights", "/weight", "31", weight=numpy.ones(31))
        expect("other number of groups", "/group", "4", group=numpy.arange(4))
        expect("three dimensions", "/x", x=numpy.ones((30, 3, 2)))
        expect("target of three dimensions", "/y", y=numpy.ones((30, 3, 2)))
        expect("a scalar", "/x", x=1.0)
        expect("no rows", "/x", x=numpy.ones((0, 3)), y=numpy.ones((0, 2)))
        expect("no columns", "/x", x=numpy.ones((30, 0)))
        expect("words as inputs", "/x", x=numpy.full((30, 3), b"word"))
        expect("records", "/x", x=numpy.zeros((30, 3), [("a", "f8"), ("b", "i4")]))
        expect("a group for x", "/x", **{"x": None, "x/inside": numpy.ones(3)})
        expect("one class", "class", y=numpy.full(30, 4))
        expect("columns of one name", "same name 'a0'", options=("--inputs", "a,a0"),
               a=numpy.ones((30, 2)), a0=numpy.ones(30))
        expect("no such data set", "/inputs", options=("--inputs", "/inputs"))
        self.check_all()

    def test_damaged(self):
        """What is no HDF5 file, or no whole one."""
        for name, content in (("text", b"a,b,t\n1,2,3\n"), ("nothing", b""), ("zeros", bytes(5000)),
                              ("signature only", b"\x89HDF\r\n\x1a\n")):
            self.expect_bytes(name, content)
        path = self.folder / "whole.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=numpy.ones((1000, 3)), chunks=(100, 3), fletcher32=True)
            file["y"] = numpy.ones((1000, 1))
            offset = file["x"].id.get_chunk_info(7).byte_offset
        whole = path.read_bytes()
        for share in (0.01, 0.5, 0.99):
            self.expect_bytes(f"truncated to {share}", whole[:int(share * len(whole))],
                              "truncated|HDF5")
        self.expect_bytes("damaged chunk", whole[:offset + 11] + b"\x55" + whole[offset + 12:], "/x")
        self.check_all()

    def test_huge(self):
        """More than 2^31 elements, of which the disk holds none: said at once, and by what number."""
        for name, shape in (("rows", (2 ** 40, 1)), ("columns", (2, 2 ** 31 + 5)),
                            ("rows and columns", (2 ** 31 + 5, 2 ** 20))):
            folder = self.place(name)
            with h5py.File(folder / "data.h5", "w") as file:
                for data_set, size in (("x", shape), ("y", (shape[0], 1))):
                    chunk = (min(size[0], 2 ** 16), min(size[1], 64))
                    file.create_dataset(data_set, size, "i1", chunks=chunk)
            self.expect_training(name, folder, "--data", "data.h5",
                                 words=("memory|data.h5|would need",))
        self.check_all()


class OfOptions(BadInput):
    def test_options(self):
        """A few of test_options.py on three ranks too, and those that need data."""
        for options, words in (
                (("--experts", 0), ("--experts", "1 or more")),
                (("--expert", 3), ("did you mean --experts",)),
                (("--root-experts", 9, "--experts", 4), ("--root-experts", "4")),
                (("--experts", 2000000000, "--expert-hidden", 1000000), ("fewer experts",)),
                (("--expert-hidden", 2000000000, "--gate-hidden", 2000000000), ("would need",)),
                (("--likelihood", "bernoulli"), ("bernoulli", "4|two")),
                (("--expert-output", "identity", "--likelihood", "categorical"), ("softmax",)),
                (("--targets", "vovel"), ("vovel", "vowel"))):
            name = " ".join(map(str, options))
            self.expect_training(name, self.place(name), *options, words=words)
        for text, words in (("seed: 3\nexprets: 4\n", ("c.yaml:2", "exprets", "experts")),
                            ("seed: [\n", ("c.yaml:",))):
            folder = self.place(f"YAML {text[:6]}")
            (folder / "c.yaml").write_text(text, encoding="utf-8")
            self.expect_training(text, folder, "--config", "c.yaml", words=words)
        self.check_all()


class OfModels(BadInput):
    """evaluate and predict."""

    def setUp(self):
        super().setUp()
        write_csv(self.folder / "data.csv", labelled(lambda i: ("red", "green")[i % 2]))
        self.succeed(support.COTERIE, "train", "--data", "data.csv", "--epochs", 2, "--output", "run",
                     cwd=self.folder)

    def expect_of_both(self, name, folder, path, data, words):
        for command, more in (("evaluate", ()), ("predict", ("--output", "p.csv"))):
            self.expect(f"{command}: {name}", folder, command, path, "--data", data, *more, words=words)

    def test_data(self):
        # predict does without such targets: test_predict.py.
        folder = self.place("unseen label")
        write_csv(folder / "new.csv", labelled(lambda i: "blue" if i == 11 else "red"), "a,b,t")
        self.expect("unseen label", folder, "evaluate", "../run", "--data", "new.csv",
                    words=("new.csv", "blue", r"line 13\b", "red|green|class"))
        for name, rows, header, words in (
                ("fewer columns", [[1.0, "red"]] * 5, "a,t", (r"\bb\b",)),
                ("other columns", [[1.0, 2.0, "red"]] * 5, "a,c,t", (r"\bb\b",)),
                ("nothing whole", [[1.0, "nan", "red"]] * 5, "a,b,t", (r"\bb\b", "no value in any row")),
                ("words for numbers", [[1.0, 2.0, "red"]] * 5 + [[1.0, "high", "red"]], "a,b,t",
                 (r"line 7\b", r"\bb\b", "'high'"))):
            folder = self.place(name)
            write_csv(folder / "new.csv", rows, header)
            self.expect_of_both(name, folder, "../run", "new.csv", ("new.csv", *words))
        folder = self.place("other width")
        with h5py.File(folder / "new.h5", "w") as file:
            file["x"] = numpy.ones((10, 5))
            file["y"] = numpy.full(10, b"red")
        self.expect_of_both("other width", folder, "../run", "new.h5", ("new.h5", "5", "2"))
        folder = self.place("no targets")
        write_csv(folder / "new.csv", [[1.0, 2.0]] * 5, "a,b")
        self.expect("no targets", folder, "evaluate", "../run", "--data", "new.csv",
                    words=("new.csv", r"\bt\b"))
        self.check_all()

    def test_checkpoint(self):
        (self.folder / "empty").mkdir()
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["x"] = numpy.ones((3, 2))
        for path in ("missing", "empty", "data.csv", "other.h5"):
            self.expect_of_both(path, self.place(path), f"../{path}", "../data.csv", (path,))
        self.succeed(support.COTERIE, "train", "--data", "data.csv", "--epochs", 2, "--output", "bad",
                     cwd=self.folder)
        with h5py.File(self.folder / "bad/checkpoints/latest", "r+") as file:
            file["experts/layer0/bias"][1] += 1
        self.expect_of_both("damaged", self.place("damaged"), "../bad", "../data.csv",
                            ("bad/checkpoints", "checksum|damaged"))
        self.check_all()

    def test_output(self):
        (self.folder / "folder.csv").mkdir()
        for path in ("p.txt", "p", "missing/p.csv", "../folder.csv"):
            self.expect(path, self.place(path), "predict", "../run", "--data", "../data.csv",
                        "--output", path, words=(path,))
        self.check_all()


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--every-count"]
    support.main(jobs=2)
