# SPDX-License-Identifier: BSD-3-Clause
"""scripts/plot: what it draws, and the figures behind it against NumPy and known truth."""
import os
import pathlib
import re
import struct
import sys
import tempfile
import unittest.mock

import numpy
import support

CLONE = pathlib.Path(__file__).resolve().parents[2]
PLOT = CLONE / "scripts/plot"
sys.path.insert(0, str(CLONE / "scripts"))
ALL = ["calibration", "experts", "learning", "regions", "residuals"]


def pixels(path):
    """Width and height of a PNG, from its header."""
    return struct.unpack(">II", path.read_bytes()[16:24])


def setUpModule():
    """Matplotlib keeps a list of fonts, by default in the user's home."""
    fonts = tempfile.TemporaryDirectory(prefix="coterie-test-")
    unittest.addModuleCleanup(fonts.cleanup)
    os.environ["MPLCONFIGDIR"] = fonts.name


class Pictures(support.TestCase):
    def train(self, name, *options, data="builtin:vowels", epochs=30):
        self.succeed(support.COTERIE, "train", "--data", data, "--epochs", epochs, "--output",
                     self.folder / name, *options)
        return self.folder / name

    def plot(self, *words, **how):
        return support.run(PLOT, *words, env={"COTERIE": support.COTERIE}, **how)

    def write(self, inputs, n=80, target="y"):
        """Regression on so many inputs; the first decides which of two lines it is."""
        rng = numpy.random.default_rng(1)
        x = rng.normal(size=(n, inputs))
        y = numpy.abs(x[:, 0]) + 0.1 * rng.normal(size=n)
        names = [f" x{i} ($)" for i in range(inputs)] + [target]
        numpy.savetxt(self.folder / "d.csv", numpy.column_stack([x, y]), delimiter=",",
                      header=",".join(names), comments="")
        return self.folder / "d.csv"

    def assert_pictures(self, folder, expected):
        self.assertEqual(sorted(p.name for p in folder.iterdir()),
                         sorted(f"{name}.{kind}" for name in expected for kind in ("png", "svg")))
        for name in expected:
            self.assertEqual(pixels(folder / f"{name}.png")[0], 680, "3.4 in at 200 dpi")
            svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
            self.assertIn('width="244.8pt"', svg)
            # Glyphs are drawn at their size: scale(0.07) is 7 points.
            sizes = [float(s) for s in re.findall(r'<g style="[^"]*" transform="[^"]*scale\((0\.\d+) ',
                                                  svg)]
            self.assertTrue(sizes, name)
            self.assertGreaterEqual(min(sizes), 0.07, name)

    def test_classes(self):
        run = self.train("run")
        self.assertEqual(self.plot(run).rc, 0)
        self.assert_pictures(run / "plots", ALL)

    def test_regression_on_many_inputs_with_samples_held_out(self):
        """Of the names some need care: in HDF5 (/), in Matplotlib ($), in Python ({}), blanks in CSV."""
        run = self.train("run", "--valid", 0.25, data=self.write(3, target="cost $/{} in $_$"))
        self.assertEqual(self.plot(run, "--output", self.folder / "p").rc, 0)
        self.assert_pictures(self.folder / "p", ALL)

    def test_one_input_and_nothing_held_out(self):
        run = self.train("run", "--experts", 30, "--batch-size", 20, data=self.write(1), epochs=3)
        self.assertEqual(self.plot(run).rc, 0)
        self.assert_pictures(run / "plots", ALL)

    def test_columns_of_text(self):
        """What a text has become, 1 of its values, is an input of the picture, too."""
        rows = [f"{i / 10},{'left' if i < 30 else 'on the right'},{abs(i - 30)}" for i in range(60)]
        (self.folder / "t.csv").write_text("x,side,y\n" + "\n".join(rows) + "\n", encoding="utf-8")
        run = self.train("run", "--experts", 2, data=self.folder / "t.csv")
        self.assert_rc(self.plot(run), 0)
        self.assert_pictures(run / "plots", ALL)

    def test_one_input_shows_the_mixture_for_each_target(self):
        """Its line is what predict says, the points are the samples."""
        rng = numpy.random.default_rng(5)
        x = numpy.sort(rng.uniform(-1, 1, 30))
        d = numpy.column_stack([abs(x), 3 - x])
        numpy.savetxt(self.folder / "d.csv", numpy.column_stack([x, d]), delimiter=",", header="x,y,z",
                      comments="")
        from common import regions, run
        with unittest.mock.patch.dict(os.environ, COTERIE=support.COTERIE):
            found = run.Run(self.train("run", "--experts", 2, "--targets", "y,z",
                                       data=self.folder / "d.csv"))
            axes = regions.line(found, x[:, None], d).axes
            self.assertEqual(len(axes), 3)
            for k, name in enumerate("yz"):
                lines = {line.get_label(): line for line in axes[k].lines}
                at = lines["mixture"].get_xdata()
                said = found.predict_inputs(at[:, None]).columns[f"y_{name}"]
                numpy.testing.assert_allclose(lines["mixture"].get_ydata(), said)
                self.assertEqual(sorted(lines["samples"].get_ydata()), sorted(d[:, k]))

    def test_best_epoch_is_the_one_that_training_chose(self):
        """With --gate gaussian by nll, while the error is that of the inputs, too."""
        folder = self.train("gate", "--optimizer", "em", "--gate", "gaussian", "--experts", 6, "--seed", 2)
        rows = support.read_metrics(folder)
        by_error, best = (min(rows, key=lambda row: row[key])["epoch"]
                          for key in ("error_valid", "nll_valid"))
        self.assertNotEqual(by_error, best)
        from common import curves, run
        with unittest.mock.patch.dict(os.environ, COTERIE=support.COTERIE):
            marked = curves.learning(run.Run(folder)).axes[0].lines[-1]
        self.assertEqual(marked.get_label(), f"best, epoch {best}")
        self.assertEqual(marked.get_xdata().tolist(), [best])

    def test_data_that_are_gone(self):
        run = self.train("run", data=self.write(1))
        (self.folder / "d.csv").unlink()
        result = self.plot(run)
        self.assert_rc(result, 0, "are not here: curves only")
        self.assert_pictures(run / "plots", ["experts", "learning"])

    def test_what_is_wrong_is_one_line(self):
        for words, expected in (((self.folder,), "there is no checkpoint"), ((), "which run?"),
                                ((self.folder, "--dta", 1), "unrecognized arguments")):
            result = self.plot(*words)
            self.assert_rc(result, 2, expected)
            self.assertEqual(result.stderr.count("\n"), 1, str(result))

    def test_without_matplotlib(self):
        result = support.run(sys.executable, "-S", PLOT, self.folder,
                             env={"PYTHONPATH": None, "PYTHONHOME": None})
        self.assert_rc(result, 2, "apt-get install", "python3-matplotlib")
        self.assertEqual(result.stderr.count("\n"), 1, str(result))


class Figures(support.TestCase):
    """The numbers that are drawn."""

    def setUp(self):
        super().setUp()
        from common import calibration, regions
        self.calibration, self.regions = calibration, regions

    def test_reliability(self):
        """Ten samples said with 0.6 of which 7 are right, ten with 0.9 of which 9 are."""
        confidence = numpy.array([0.6] * 10 + [0.9] * 10)
        right = numpy.array([1] * 7 + [0] * 3 + [1] * 9 + [0])
        mean, share, size, ece = self.calibration.reliability_bins(confidence, right, 2)
        numpy.testing.assert_allclose(mean, [0.6, 0.9])
        numpy.testing.assert_allclose(share, [0.7, 0.9])
        self.assertEqual(size.tolist(), [10, 10])
        self.assertAlmostEqual(ece, 0.05)

    def test_confusions(self):
        """The rows say of how many samples their percentages are."""
        run = unittest.mock.Mock(classes=["a", "b", "none"], samples_are="samples")
        prediction = unittest.mock.Mock(columns={"class": [b"a", b"a", b"b", b"b", b"b"]})
        axis, = self.calibration.confusions(run, prediction, numpy.array(list("abbba"))).axes
        self.assertEqual([label.get_text() for label in axis.get_yticklabels()],
                         ["a (2)", "b (3)", "none (0)"])
        self.assertEqual([text.get_text() for text in axis.texts], ["50", "50", "33", "67"])

    def test_wilson(self):
        """The interval for 8 of 10 in Wilson's form, as textbooks have it: 0.49 to 0.94."""
        low, high = self.calibration.wilson(0.8, 10)
        self.assertAlmostEqual(low, 0.4902, 4)
        self.assertAlmostEqual(high, 0.9433, 4)

    def test_integral_transform_of_the_truth_is_uniform(self):
        rng = numpy.random.default_rng(3)
        n, sigma = 4000, numpy.array([0.5, 2.0])
        g = numpy.stack([p := rng.uniform(size=n), 1 - p])
        o = rng.normal(size=(2, n))
        which = (rng.uniform(size=n) > g[0]).astype(int)
        d = o[which, numpy.arange(n)] + sigma[which] * rng.normal(size=n)
        run = unittest.mock.Mock(targets=["t"])
        prediction = unittest.mock.Mock(g=g, each=lambda form: o if form.startswith("o") else
                                        numpy.repeat(sigma[:, None], n, 1))
        u = numpy.sort(self.calibration.integral_transform(run, prediction, d[:, None])[:, 0])
        # Kolmogorov: a distance of 1.95 / sqrt(n) comes once in a thousand cases.
        self.assertLess(abs(u - (numpy.arange(n) + 0.5) / n).max(), 1.95 / numpy.sqrt(n))

    def test_regions_end_where_the_samples_do(self):
        """A circle around each sample, of 15 % of the picture's side."""
        u, v = numpy.meshgrid(numpy.linspace(0, 10, 101), numpy.linspace(-1, 1, 101))
        samples = numpy.array([[2.0, 0.5], [7.0, -0.5]])
        distance = numpy.min([((u - a) / 10) ** 2 + ((v - b) / 2) ** 2 for a, b in samples], 0) ** 0.5
        near = self.regions.known(samples, u, v)
        self.assertTrue(near[distance < 0.149].all())
        self.assertFalse(near[distance > 0.151].any())

    def test_all_targets_and_bands_within_bounds(self):
        rng = numpy.random.default_rng(6)
        d = rng.normal(size=(40, 3))
        names = ["a", "b", "c"]
        columns = {f"y_{n}": numpy.zeros(40) for n in names} | {f"variance_{n}": numpy.ones(40) for n in names}
        run = unittest.mock.Mock(targets=names, samples_are="samples")
        prediction = unittest.mock.Mock(
            columns=columns, g=numpy.ones((1, 40)),
            each=lambda form: numpy.full((1, 40), 0.0 if form.startswith("o") else 1.0))
        axes = self.calibration.residuals(run, prediction, d).axes
        self.assertEqual(len(axes), 4)
        for k in range(3):
            self.assertEqual(sorted(axes[k].lines[0].get_ydata()), sorted(d[:, k]))
        band, = self.calibration.coverage(run, prediction, d).axes[0].collections
        heights = band.get_paths()[0].vertices[:, 1]
        self.assertGreaterEqual(heights.min(), 0)
        self.assertLessEqual(heights.max(), 1)

    def test_principal_plane(self):
        rng = numpy.random.default_rng(4)
        plane_points = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 5)) + 3
        run = unittest.mock.Mock(inputs=list("abcde"), x_scale=numpy.ones(5))
        plane = self.regions.Plane(run, plane_points)
        numpy.testing.assert_allclose(plane.inputs(plane.coordinates(plane_points)), plane_points)


if __name__ == "__main__":
    support.main()
