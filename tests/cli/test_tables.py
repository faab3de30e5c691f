# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""Text tables from end to end: what is said of them, and what becomes of it."""
import h5py
import numpy
import support


class Tables(support.TestCase):
    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def train(self, data, *options, rc=0, **how):
        result = support.run(support.COTERIE, "train", "--data", data, "--auto", "off", "--epochs", 1,
                             "--output", self.folder / f"run-{data.stem}", *options, **how)
        self.assert_rc(result, rc)
        return result

    def test_notes_are_told_once(self):
        rows = "".join(f'"{i + 1}",{i * i % 7},"{4 + i},{100 + i}",{i % 9}%\n' for i in range(30))
        data = self.write("t.csv", '"","a","y","b"\n' + rows)
        said = self.train(data, "--targets", "y", ranks=2).stdout
        notes = [line for line in said.splitlines() if line.startswith("note ")]
        self.assertEqual(len(notes), 2, said)
        self.assertIn("column 1 has no name and holds names of rows", notes[1])
        self.assertIn("'y' ('4,100' as 4100), 'b' ('0%' as 0)", notes[0])
        self.assertIn("2 inputs (a, b), 1 target (y)", said)
        output = self.folder / "p.csv"
        self.succeed(support.COTERIE, "predict", self.folder / "run-t", "--data", data, "--output", output)
        y = numpy.loadtxt(output, delimiter=",", skiprows=1, usecols=0)
        self.assertTrue(((y > 1000) & (y < 40000)).all(), y)

    def test_classes_only_among_the_samples_held_out(self):
        rows = "".join(f"{i * i % 11},{i % 2},{'ab'[i % 4 // 2] if i % 2 else 'ac'[i % 4 // 2]}\n"
                       for i in range(40))
        data = self.write("rare.csv", "x,g,y\n" + rows)
        lines = support.own_lines(self.train(data, "--group", "g", "--valid", 0.5).stderr)
        self.assertRegex(lines[0], r"1 of 3 classes is only among the samples held out .*: [bc] ")

    def test_validation_on_the_samples_trained_on(self):
        """Also as a copy; other samples are welcome."""
        rows = [f"{i},{i * i % 7}\n" for i in range(30)]
        copy = self.write("copy.csv", "x,y\n" + "".join(rows))
        other = self.write("other.csv", "x,y\n" + "".join(rows[1:]))
        for name, valid, is_same in (("a", "a.csv", True), ("b", copy, True), ("c", other, False)):
            data = self.write(f"{name}.csv", "x,y\n" + "".join(rows))
            lines = support.own_lines(self.train(data, "--valid", self.folder / valid).stderr)
            self.assertEqual(any("holds the samples of --data" in line for line in lines), is_same, lines)

    def test_a_target_is_no_input(self):
        data = self.write("both.csv", "a,b,y\n" + "".join(f"{i},{i * i},{i}\n" for i in range(20)))
        arrays = self.folder / "both.h5"
        with h5py.File(arrays, "w") as file:
            file["x"], file["y"] = numpy.ones((9, 2)), numpy.arange(9.0)
        for path, inputs, targets in ((data, "a,y", "y"), (arrays, "/x,y", "/y"), (arrays, None, "x")):
            names = ("--inputs", inputs) if inputs else ()
            line = self.assert_one_line(self.train(path, *names, "--targets", targets, rc=2))
            self.assertIn("input and as target", line)

    def test_quantities_that_are_not_read(self):
        """Dates, times, hexadecimal numbers: left out with a word as inputs, refused as targets, taken if named."""
        rows = "".join(f"2024-0{i % 9 + 1}-01,{i % 24:02d}:00,0x{i % 20:X},{i % 7}.5({i % 9}),{20240101 + i % 28},{i}.25,"
                       f"{i * i}\n" for i in range(60))
        data = self.write("odd.csv", "day,hour,code,u,ymd,x,y\n" + rows)
        said = self.train(data).stdout
        self.assertIn("not among the inputs: 'day' (dates such as 2024-01-01), 'hour' (times such as 00:00), 'code' "
                      "(hexadecimal numbers such as 0x0), 'u' (numbers with their uncertainty such as 0.5(0)), 'ymd' "
                      "(dates such as 20240531); --inputs takes what it names", said)
        self.assertIn("1 input (x), 1 target (y)", said)
        named = self.write("named.csv", "day,ymd,y\n" + "".join(f"{r.split(',')[0]},{r.split(',')[4]},{i}\n"
                                                               for i, r in enumerate(rows.splitlines())))
        self.assertIn("10 inputs (day=2024-01-01,", self.train(named, "--inputs", "day,ymd").stdout)
        line = self.assert_one_line(self.train(data, "--targets", "day", "--output", self.folder / "no", rc=2))
        self.assertIn("the targets 'day' are dates ('2024-01-01'), which are not read as quantities", line)
        self.assertIn("9 classes", self.train(data, "--targets", "day", "--task", "classification", "--output",
                                              self.folder / "classes").stdout)
        line = self.assert_one_line(self.train(data, "--exclude", "x", "--output", self.folder / "no", rc=2))
        self.assertIn("no column is left for the inputs, which by default are not 'day' (dates", line)

    def test_numbers_that_may_stand_for_missing_ones(self):
        """-999 and its like, more than once and far from all others; not the 99 of an age or of a price."""
        rows = [f"{i % 30 if i % 9 else -999},{i * i % 60},{99 if i % 9 == 1 else 60 + i % 30},{i * 0.25 if i % 7 else 1e30}"
                for i in range(40)]
        said = self.train(self.write("marks.csv", "a,b,c,y\n" + "\n".join(rows) + "\n")).stdout
        self.assertIn("-999 in 5 rows of 'a', 1e+30 in 6 rows of 'y'; if that stands for a missing value", said)
        data = self.write("quarters.csv", "q,x,y\n" + "".join(f"2024Q{i % 4 + 1},{i % 7},{i}.5\n" for i in range(30)))
        self.assertIn("not among the inputs: 'q' (dates such as 2024Q1)", self.train(data).stdout)

    def test_comments_of_other_programs(self):
        rows = [f"{i},{i * i}" for i in range(9)]
        for i, (place, text) in enumerate(((0, "% made by MATLAB"), (4, "// second part"), (0, "! by Fortran"))):
            lines = ["x,y", *rows]
            lines.insert(place, text)
            line = self.assert_one_line(self.train(self.write(f"comment{i}.csv", "\n".join(lines) + "\n"), rc=2))
            self.assertRegex(line, f"begins with '{text.split()[0]}': if it is a comment, remove it")

    def test_numbers_beyond_double_precision(self):
        """Neighbours among doubles are 2 apart from 2^53 on: what differs by tens is hurt, a year of nanoseconds is not."""
        rng = numpy.random.default_rng(3)
        for name, spread, lost in (("near", 300, True), ("far", 10**15, False)):
            with h5py.File(self.folder / f"{name}.h5", "w") as file:
                file["x"] = 2**53 + rng.integers(0, spread, (50, 1))
                file["y"] = rng.normal(size=(50, 1))
            said = self.train(self.folder / f"{name}.h5").stderr
            self.assertEqual("double precision rounds off what they differ by: x0;" in said, lost, said)

    def test_control_characters_are_written_out(self):
        """In an error, and in lines of information."""
        data = self.write("c.csv", '"a\ncoterie: error: disk","b\x1b[31m",t\n1,x,1\n2,,2\n3,x,4\n')
        line = self.assert_one_line(self.train(data, "--missing", "refuse", rc=2))
        self.assertIn(r"column 'b\x1b[31m'", line)
        said = self.train(data, "--exclude", "b\x1b[31m").stdout
        self.assertIn(r"1 input (a\ncoterie: error: disk)", said)
        self.assertNotIn("\x1b", said)

    def test_many_columns(self):
        """In time that grows as their number: with its square this would take minutes."""
        n, rng = 40000, numpy.random.default_rng(1)
        rows = rng.integers(0, 9, (4, n + 1)).astype(str)
        data = self.write("wide.csv", "\n".join((",".join([*(f"gene{i}" for i in range(n)), "y"]),
                                                 *map(",".join, rows))) + "\n")
        self.train(data, "--experts", 1, "--targets", "y")
        self.succeed(support.COTERIE, "predict", self.folder / "run-wide", "--data", data, "--output",
                     self.folder / "wide-p.csv", timeout=30)


if __name__ == "__main__":
    support.main()
