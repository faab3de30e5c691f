# SPDX-License-Identifier: BSD-3-Clause
"""libcoterie and the Python package on it: the numbers of `predict`, derivatives, errors, symbols."""
# labels: quick
import csv
import ctypes
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import h5py
import numpy

import scipy_case
import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(support.COTERIE).resolve().parent
os.environ.setdefault("COTERIE_LIBRARY", str(BUILD / "libcoterie.so"))
sys.path.insert(0, str(ROOT / "src/bindings/python"))
import coterie  # noqa: E402  (needs the two lines above)

N = 300
# kind of targets, options: every output, likelihood, gate, depth and activation at least once.
MODELS = {
    "deep": ("numbers", "--expert-hidden 8,6 --gate-hidden 5 --variance learned"),
    "gelu": ("numbers", "--activation gelu --expert-hidden 7"),
    "gaussian-gate": ("numbers", "--gate gaussian --optimizer em"),
    "tree": ("numbers", "--gate tree:2x3 --gate-hidden 4 --variance learned"),
    "tree-top-k": ("classes", "--gate tree:2x2 --top-k 2"),
    "one": ("numbers", "--experts 1"),
    "cooperative": ("numbers", "--error cooperative"),
    "committee": ("numbers", "--committee 3 --experts 2 --expert-hidden 5 --variance learned"),
    "classes": ("classes", "--expert-hidden 9 --activation relu"),
    "top-k": ("classes", "--top-k 2 --experts 5 --expert-hidden 3 --activation logistic"),
    "bernoulli": ("two", "--likelihood bernoulli"),
    "poisson": ("counts", "--likelihood poisson --expert-hidden 4"),
    "student": ("numbers", "--likelihood student --freedom learned:5 --gate-hidden 3"),
    "gamma": ("positive", "--likelihood gamma --gate tree:2x2"),
    "lognormal": ("positive", "--likelihood lognormal --top-k 2 --experts 3"),
    "negative-binomial": ("counts", "--likelihood negative-binomial --gate gaussian --optimizer em"),
    "zero-inflated": ("counts", "--likelihood zero-inflated-poisson --committee 2 --experts 2"),
    "own-inputs": ("numbers", "--gate-inputs x0,x3 --expert-inputs x1,x2 --gate-hidden 3 "
                   "--expert-hidden 4"),
    "own-density": ("two", "--gate gaussian --gate-inputs x0,x3 --expert-inputs x1 --optimizer em"),
    "bf16": ("numbers", "--precision bf16 --expert-hidden 8"),
}


def samples():
    rng = numpy.random.default_rng(5)
    x = rng.normal(size=(N, 4)) * [1, 2, 3, 4]
    y = numpy.stack([numpy.abs(x[:, 0]) + 0.1 * rng.normal(size=N), x[:, 1] * x[:, 2]], axis=1)
    label = (x[:, 0] > 0) * 1 + (x[:, 1] > 0)
    means = numpy.exp(numpy.stack([0.5 * x[:, 0], 0.3 * x[:, 1] + 1], axis=1))
    return x, {"numbers": 100 * y + 5000, "classes": label, "two": (label > 0).astype(int),
               "counts": rng.poisson(means * rng.gamma(2, 0.5, size=(N, 1))).astype(float),
               "positive": means * rng.gamma(3, 1 / 3, size=(N, 2))}


X, Y = samples()


SHARED = pathlib.Path(tempfile.mkdtemp(prefix="coterie-library-"))


def train_all():
    """The models of all tests, once."""
    for kind, targets in Y.items():
        with h5py.File(SHARED / f"{kind}.h5", "w") as file:
            file["x"], file["y"] = X, targets
    for program in (support.COTERIE, support.COTERIE_D):
        for name, (kind, options) in MODELS.items():
            if program == support.COTERIE_D:  # which has no rounded products
                options = options.replace("--precision bf16", "")
            result = support.run(program, "train", "--data", SHARED / f"{kind}.h5",
                                 *options.split(), "--epochs", 12, "--quiet",
                                 "--output", SHARED / f"{name}-{pathlib.Path(program).name}")
            assert result.rc == 0, result


def read_columns(path):
    """Of a file that predict wrote; classes as a list of texts."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: [text.decode() for text in file[name][:]] if name == "class"
                    else file[name][:] for name in file}
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] if name == "class"
            else numpy.array([float(row[name]) for row in rows]) for name in rows[0]}


class LibraryTest(support.TestCase):

    def model(self, name, program=support.COTERIE_D):
        run = SHARED / f"{name}-{pathlib.Path(program).name}"
        return coterie.load(run), run, SHARED / f"{MODELS[name][0]}.h5"

    def test_the_bits_of_predict(self):
        """On 1 rank and 3, as CSV and HDF5: of the program that trained the model."""
        for program in (support.COTERIE, support.COTERIE_D):
            for number, name in enumerate(MODELS):
                with self.subTest(program=program, model=name):
                    model, run, data = self.model(name, program)
                    output = self.folder / f"{run.name}.{('h5', 'csv')[number % 2]}"
                    self.succeed(program, "predict", run, "--data", data, "--output", output,
                                 "--density", *(("--interval", 0.8) if model.targets else ()),
                                 ranks=(None, 3)[number % 3 == 0])
                    self.compare(model, read_columns(output))

    def compare(self, model, columns):
        def same(values, names):
            wanted = numpy.stack([columns[name] for name in names], axis=1)
            self.assertEqual(numpy.ascontiguousarray(values).tobytes(), wanted.tobytes(), names)
        same(model.gate(X), [f"g_{e}" for e in range(model.n_experts)])
        said = model.experts(X)
        for e in range(model.n_experts):
            prefix = f"o_{e}" if model.targets else f"p_{e}"
            same(said[:, e], [f"{prefix}_{name}" for name in model.targets or model.classes])
        if not model.targets:
            same(model.predict_proba(X), [f"p_{name}" for name in model.classes])
            self.assertEqual(list(model.predict(X)), columns["class"])
            return
        same(model.predict(X), [f"y_{name}" for name in model.targets])
        same(model.predict_variance(X), [f"variance_{name}" for name in model.targets])
        for k, name in enumerate(model.targets):
            same(model.predict_interval(X, 0.8, target=k), [f"lower_{name}", f"upper_{name}"])

    def test_the_range_of_inputs(self):
        """Of the samples that were trained on, not of those held out; and who is outside."""
        model, _, _ = self.model("deep")
        numpy.testing.assert_array_equal(model.input_range,
                                         numpy.stack([X.min(axis=0), X.max(axis=0)], axis=1))
        self.assertFalse(model.is_outside(X).any())
        beyond = X[:3].copy()
        beyond[1, 2] = X[:, 2].max() + 1e-9
        self.assertEqual(list(model.is_outside(beyond)), [False, True, False])
        run = self.folder / "part"
        rows = numpy.concatenate([numpy.linspace(0, 1, 40), [9, -9]])
        with h5py.File(self.folder / "d.h5", "w") as file:
            file["x"], file["y"], file["group"] = rows[:, None], rows, numpy.arange(42) // 40
        self.succeed(support.COTERIE, "train", "--data", self.folder / "d.h5", "--valid", 0.2,
                     "--epochs", 1, "--scale", -2, "--output", run, "--quiet")
        with h5py.File(run / "checkpoints" / "latest") as file:
            least, most = file["scaler/x_least"][0], file["scaler/x_most"][0]
        self.assertIn((least, most), [(0, 1), (9, -9)[::-1]])  # the groups are held out whole
        said = self.succeed(support.COTERIE, "predict", run, "--data", self.folder / "d.h5",
                            "--output", self.folder / "p.csv", ranks=2).stdout
        outside = int(((rows < least) | (rows > most)).sum())
        self.assertIn(f"{outside} of 42 rows have an input outside" if outside else "", said)
        old = ROOT / "tests/data/checkpoint-version-1.h5"
        self.assertTrue(numpy.isnan(coterie.load(old).input_range).all())
        self.assertNotIn("ranges", self.succeed(support.COTERIE, "inspect", old).stdout)
        self.assertIn(f"x {least:g} to {most:g}" if most < 2 else "-9 to 9",
                      self.succeed(support.COTERIE, "inspect", run).stdout)

    def test_units(self):
        """By the attribute of each data set, one for all or one each; with text, left-out columns and labels."""
        rows = numpy.random.default_rng(2).normal(size=(40, 3))
        data, run = self.folder / "d.h5", self.folder / "run"
        with h5py.File(data, "w") as file:
            file["x"], file["y"], file["T"], file["odd"] = rows, rows[:, :2] ** 2, rows[:, 0] + 1, rows[:, 0] > 0
            file["x"].attrs["units"] = ["m", "", "k\u03a9"]
            file["y"].attrs["units"], file["T"].attrs["units"] = numpy.bytes_("W/m2"), ["K"]
            file["odd"].attrs["units"] = [1, 2, 3]
        for words, inputs, targets in (((), ["m", "", "k\u03a9"], ["W/m2", "W/m2"]),
                                       (("--exclude", "x0"), ["", "k\u03a9"], ["W/m2", "W/m2"]),
                                       (("--inputs", "x2,T", "--targets", "odd"), ["k\u03a9", "K"], []),
                                       (("--inputs", "x1", "--targets", "T"), [""], ["K"])):
            self.succeed(support.COTERIE, "train", "--data", data, *words, "--epochs", 1, "--output", run, "--quiet")
            model = coterie.load(run)
            self.assertEqual((model.input_units, model.target_units), (inputs, targets))
            said = json.loads(self.succeed(support.COTERIE, "inspect", run, "--json").stdout)
            self.assertEqual(said["input_units"], inputs if any(inputs) else [])
            shutil.rmtree(run)
        self.assertEqual(self.model("deep")[0].input_units, [""] * 4)
        self.assertIsNone(coterie._library.library.coterie_input_unit(model._handle, 1))

    def test_a_sample_has_the_same_bits_whatever_stands_beside_it(self):
        for program in (support.COTERIE, support.COTERIE_D):
            for name in MODELS:
                model, _, _ = self.model(name, program)
                for ask in (model.gate, model.experts,
                            model.predict if model.targets else model.predict_proba):
                    whole = ask(X)
                    for part in (slice(0, 1), slice(3, 5), slice(7, 40), slice(5, 5)):
                        numpy.testing.assert_array_equal(ask(X[part]), whole[part], f"{name} {part}")

    def test_the_jacobian_against_central_differences(self):
        step = 1e-5
        for name in MODELS:
            if "--top-k" in MODELS[name][1]:
                continue  # has jumps where the choice changes
            model, _, _ = self.model(name)
            ask = model.predict if model.targets else model.predict_proba
            found = numpy.stack([(ask(X + move) - ask(X - move)) / (2 * step)
                                 for move in step * numpy.eye(4)], axis=-1)
            jacobian = model.jacobian(X).reshape(found.shape)
            error = numpy.abs(found - jacobian) / numpy.abs(jacobian).max()
            # relu has a kink here and there
            self.assertLess(numpy.quantile(error, 0.97 if name == "classes" else 1), 1e-6, name)

    def test_the_density_against_evaluate(self):
        for name in MODELS:
            kind = MODELS[name][0]
            model, run, data = self.model(name)
            y = Y[kind] if model.targets else [str(label) for label in Y[kind]]
            found = json.loads(self.succeed(
                support.COTERIE_D, "evaluate", run, "--data", data, "--json").stdout)
            self.assertAlmostEqual(-model.log_density(X, y).mean(), found["nll"], places=10,
                                   msg=name)

    def test_families_against_scipy(self):
        """Density, variance and quantiles of mixtures of SciPy's distributions, about the experts' means."""
        if importlib.util.find_spec("scipy") is None:
            self.skipTest("no SciPy (Debian: python3-scipy)")
        for name in ("deep", "poisson", "student", "gamma", "lognormal", "negative-binomial", "zero-inflated"):
            with self.subTest(name):
                model, run, _ = self.model(name)
                g, y, every = model.gate(X), Y[MODELS[name][0]], numpy.arange(0, N, 10)
                experts = scipy_case.experts_of(run, g, model.experts(X))
                scipy_case.close(model.log_density(X, y), scipy_case.log_density(g, experts, y), 1e-9)
                scipy_case.close(model.predict_variance(X), scipy_case.variance(g, experts), 1e-10)
                for k in range(2):
                    for p in (0.001, 0.3, 0.99):
                        found = model.predict_quantile(X[every], p, k)
                        scipy_case.check_quantiles(self, experts, g, every, k, p, found)

    def test_inputs_that_are_no_numbers_spoil_their_own_sample_only(self):
        for name in ("deep", "classes", "gaussian-gate"):
            model, _, _ = self.model(name)
            spoilt = X.copy()
            spoilt[7, 2], spoilt[33, 0] = numpy.nan, numpy.inf
            ask = model.predict if model.targets else model.predict_proba
            found, wanted = ask(spoilt), ask(X)
            self.assertTrue(numpy.isnan(found[[7, 33]]).all())
            keep = [i for i in range(N) if i not in (7, 33)]
            numpy.testing.assert_array_equal(found[keep], wanted[keep])

    def test_many_threads_share_a_model(self):
        model, _, _ = self.model("deep")
        wanted, problems = model.predict(X), []

        def work():
            for _ in range(50):
                if not numpy.array_equal(model.predict(X), wanted):
                    problems.append("other numbers")
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])

    def test_what_cannot_be_opened(self):
        _, run, data = self.model("one")
        damaged = self.folder / "damaged.h5"
        content = (run / "checkpoints/latest").read_bytes()
        damaged.write_bytes(content[:len(content) // 2])
        changed = self.folder / "changed.h5"
        changed.write_bytes(content)
        with h5py.File(changed, "r+") as file:
            file["experts/layer0/weight"][0, 0, 0] += 1
        newer = self.folder / "newer.h5"
        newer.write_bytes(content)
        with h5py.File(newer, "r+") as file:
            file.attrs["format_version"] = file.attrs["format_version"] + 90
        (self.folder / "empty").mkdir()
        for path, words in ((self.folder / "none", "no such file"), (data, "not a checkpoint"),
                            (damaged, "damaged"), (changed, "checksum"), (newer, "newer"),
                            (self.folder / "empty", "no checkpoint")):
            with self.assertRaisesRegex(coterie.CoterieError, words) as refused:
                coterie.load(path)
            self.assertNotRegex(str(refused.exception), r"--|@|{|}")  # who loads types no options
        result = support.run(support.COTERIE, "evaluate", changed)
        self.assertIn("use an older checkpoint (--resume auto finds", result.stderr)

    def test_what_a_model_does_not_have(self):
        numbers, classes = self.model("one")[0], self.model("classes")[0]
        self.assertRaises(ValueError, classes.predict_variance, X)
        self.assertRaises(ValueError, classes.predict_quantile, X, 0.5)
        self.assertRaises(ValueError, numbers.predict_proba, X)
        self.assertRaises(ValueError, numbers.predict_quantile, X, 1.5)
        self.assertRaisesRegex(ValueError, r"\(n, 4\)", numbers.predict, X[:, :3])

    def test_symbols_and_libraries(self):
        listing = subprocess.run(["nm", "-D", os.environ["COTERIE_LIBRARY"]], check=True,
                                 capture_output=True, text=True).stdout
        defined = re.findall(r" [A-TV-Z] (\S+)", listing)
        self.assertTrue(defined)
        self.assertEqual([name for name in defined if not name.startswith("coterie_")], [])
        used = set(re.findall(r" U (\w+)", listing))
        self.assertEqual(used & {"exit", "_exit", "abort", "fork", "posix_spawn", "signal",
                                 "sigaction", "printf", "fprintf", "puts", "fwrite", "stderr",
                                 "pthread_create", "MPI_Init"}, set())
        needed = subprocess.run(["readelf", "-d", os.environ["COTERIE_LIBRARY"]], check=True,
                                capture_output=True, text=True).stdout
        libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", needed)
        self.assertEqual([name for name in libraries if not re.match(
            r"(libc|libm|libpthread|libhdf5\w*|ld-linux\S*)\.", name)], [])
        self.assertLess(os.path.getsize(os.environ["COTERIE_LIBRARY"]), 1 << 20)
        version = ctypes.CDLL(os.environ["COTERIE_LIBRARY"]).coterie_version
        version.restype = ctypes.c_char_p
        self.assertIn(f"VERSION {version().decode()} ", (ROOT / "CMakeLists.txt").read_text("utf-8"))


if __name__ == "__main__":
    try:
        train_all()
        support.main()
    finally:
        shutil.rmtree(SHARED, ignore_errors=True)
