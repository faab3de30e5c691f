# SPDX-License-Identifier: BSD-3-Clause
# timeout: 400
"""The scikit-learn estimators: scikit-learn's own checks, and that they are what `train` makes."""
import os
import pathlib
import pickle
import re
import sys
import unittest
import warnings
from unittest import mock

import h5py
import numpy

import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/bindings/python"
BUILD = pathlib.Path(support.COTERIE).resolve().parent
os.environ.setdefault("COTERIE_LIBRARY", str(BUILD / "libcoterie.so"))
os.environ["MPIRUN"], os.environ["MPIRUN_OPTIONS"] = support.MPIRUN, " ".join(support.MPIRUN_OPTIONS)
sys.path.insert(0, str(PACKAGE))
try:
    import pandas
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.estimator_checks import check_estimator
except ImportError as problem:
    print(f"skipped: {problem} (Debian: python3-sklearn, python3-pandas)")
    sys.exit(77)
import coterie  # noqa: E402  (needs the lines above)
from coterie import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor, _program  # noqa: E402

RNG = numpy.random.default_rng(7)
X = RNG.normal(size=(120, 3)) * [1, 10, 100]
Y = numpy.abs(X[:, 0]) + 0.01 * X[:, 2]
LABEL = numpy.array(["left", "right"])[(X[:, 0] > 0) * 1]
QUICK = {"experts": 2, "optimizer": "em", "epochs": 15}
QUICK_CLASSES = {"experts": 2, "auto": "off", "epochs": 60, "learning_rate": 0.1}
# Options that say what `fit` knows, or that change no result.
NOT_PARAMETERS = set("""data inputs categories exclude targets group weight task config output resume checkpoint-every keep
    metrics-every tensorboard quiet progress profile dry-run help split prune merge split-spread hang-timeout root-experts
    placement micro-batch read stream stream-block one-rank""".split())


class Estimators(support.TestCase):
    def check_all(self, estimator):
        """All checks run: one that is skipped fails, too."""
        problems = []
        for instance, check in check_estimator(estimator, generate_only=True):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    check(instance)
            except (Exception, unittest.SkipTest) as problem:  # pylint: disable=broad-except
                problems.append(f"{check}: {problem!r}")
        self.assertEqual(problems, [])

    def test_checks_of_scikit_learn_regressor(self):
        self.check_all(MixtureOfExpertsRegressor(**QUICK))

    def test_checks_of_scikit_learn_classifier(self):
        self.check_all(MixtureOfExpertsClassifier(**QUICK_CLASSES))

    def test_parameters_are_the_options_of_train(self):
        text = self.succeed(support.COTERIE, "train", "--help").stdout
        options = set(re.findall(r"^  --([\w-]+)", text, re.MULTILINE)) - NOT_PARAMETERS
        self.assertEqual({name.replace("_", "-") for name in MixtureOfExpertsRegressor().get_params()},
                         options | {"ranks"})

    def test_predictions_are_those_of_the_program(self):
        frame = pandas.DataFrame(X, columns=["a", "b, c", 'd"e'])
        for estimator, y in ((MixtureOfExpertsRegressor(**QUICK), Y),
                             (MixtureOfExpertsClassifier(**QUICK_CLASSES), LABEL)):
            estimator.fit(frame, y)
            self.assertEqual(estimator.model_.inputs, list(frame.columns))
            estimator.save(self.folder / "model.h5")
            with h5py.File(self.folder / "new.h5", "w") as file:
                file["x"] = X
            numeric = estimator.model_.targets
            output = self.folder / f"{'numbers' if numeric else 'classes'}.h5"
            self.succeed(support.COTERIE, "predict", self.folder / "model.h5", "--data",
                         self.folder / "new.h5", "--output", output)
            with h5py.File(output) as file:
                wanted = file[f"y_{numeric[0]}" if numeric else "p_1"][:]
            found = estimator.predict(frame) if numeric else estimator.predict_proba(frame)[:, 1]
            numpy.testing.assert_allclose(found, wanted, rtol=2e-6, atol=1e-7)
            self.assertGreater(estimator.score(frame, y), 0.9)

    def test_the_same_bits_from_csv_and_on_two_ranks(self):
        weight, groups = RNG.uniform(0.5, 2, size=len(X)), numpy.arange(len(X)) // 10
        for kind, quick, y in ((MixtureOfExpertsRegressor, QUICK, numpy.stack([Y, -Y], axis=1)),
                               (MixtureOfExpertsClassifier, QUICK_CLASSES, LABEL)):
            given = {"sample_weight": weight, "groups": groups}
            one = kind(valid=0.2, **quick).fit(X, y, **given)
            self.assertIn("error_valid", one.history_[-1])
            two = kind(valid=0.2, ranks=2, **quick).fit(X, y, **given)
            with mock.patch.object(_program, "h5py", None):
                text = kind(valid=0.2, **quick).fit(X, y, **given)
            for other in (two, text):
                numpy.testing.assert_array_equal(other.predict(X), one.predict(X))
                numpy.testing.assert_array_equal(other.model_.gate(X), one.model_.gate(X))

    def test_inputs_of_their_own(self):
        frame = pandas.DataFrame(X, columns=["a", "b, c", 'd"e'])
        own = {"gate_inputs": ["b, c"], "expert_inputs": ["a", 'd"e']}
        model = MixtureOfExpertsRegressor(**own, **QUICK).fit(frame, Y).model_
        moved = X + [0, 5, 0]
        self.assertTrue((model.gate(X) != model.gate(moved)).any())
        numpy.testing.assert_array_equal(model.experts(X), model.experts(moved))
        constant = MixtureOfExpertsRegressor(gate_inputs=[], **QUICK).fit(X, Y).model_
        self.assertEqual(len(numpy.unique(constant.gate(X), axis=0)), 1)

    def test_weights(self):
        """A weight of 2 is a sample given twice; one of 0 a sample left out; the order does not matter."""
        weight = numpy.array([1, 2, 0, 3] * (len(X) // 4))
        twice = numpy.repeat(numpy.arange(len(X)), weight)
        weighted = MixtureOfExpertsRegressor(variance="fixed:0.1", **QUICK).fit(X, Y, sample_weight=weight)
        repeated = clone(weighted).fit(X[twice], Y[twice])
        # Both start from the same parameters, and their scaling may differ by rounding only.
        numpy.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=2e-3, atol=2e-3)
        plain = clone(weighted).fit(X, Y).predict(X)
        self.assertGreater(numpy.abs(plain - weighted.predict(X)).max(), 0.01)
        back = clone(weighted).fit(X[::-1], Y[::-1]).predict(X)
        numpy.testing.assert_array_equal(back, plain)

    def test_a_pickle_predicts_without_the_program(self):
        """In another process, where nothing can be started."""
        estimator = MixtureOfExpertsClassifier(**QUICK_CLASSES).fit(X, LABEL)
        (self.folder / "estimator").write_bytes(pickle.dumps(estimator))
        numpy.save(self.folder / "x.npy", X)
        script = """
import pickle, sys, numpy
def audit(event, arguments):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn"):
        raise RuntimeError(event)
estimator = pickle.load(open("estimator", "rb"))
sys.addaudithook(audit)
numpy.save("p.npy", estimator.predict_proba(numpy.load("x.npy")))
"""
        self.succeed(sys.executable, "-c", script, cwd=self.folder,
                     env={"PYTHONPATH": PACKAGE, "COTERIE": "/none"})
        numpy.testing.assert_array_equal(numpy.load(self.folder / "p.npy"), estimator.predict_proba(X))

    def test_search_and_pipeline(self):
        pipeline = make_pipeline(StandardScaler(), MixtureOfExpertsRegressor(**QUICK))
        search = GridSearchCV(pipeline, {"mixtureofexpertsregressor__experts": [1, 2]}, cv=2).fit(X, Y)
        # |x| takes two lines.
        self.assertEqual(search.best_params_, {"mixtureofexpertsregressor__experts": 2})
        self.assertGreater(search.score(X, Y), 0.95)

    def test_hidden_layers_are_numbers_in_brackets(self):
        estimator = MixtureOfExpertsClassifier(expert_hidden=(5, 3), **QUICK_CLASSES).fit(X, LABEL)
        estimator.save(self.folder / "model.h5")
        with h5py.File(self.folder / "model.h5") as file:
            self.assertEqual(file["experts/layer1/weight"].shape, (2, 3, 5))

    def test_wrong_use(self):
        for options, words in (({"experts": 0}, "experts"), ({"optimizer": "magic"}, "magic")):
            with self.assertRaisesRegex(ValueError, words):
                MixtureOfExpertsRegressor(**{**QUICK, **options}).fit(X, Y)
        for given in ({"groups": [1, 2]}, {"sample_weight": -numpy.ones(len(X))},
                      {"sample_weight": numpy.zeros(len(X))}):
            self.assertRaises(ValueError, MixtureOfExpertsRegressor(**QUICK).fit, X, Y, **given)
        with mock.patch.dict(os.environ, COTERIE=str(self.folder / "none")):
            with self.assertRaisesRegex(coterie.CoterieError, "none cannot be started"):
                MixtureOfExpertsRegressor(**QUICK).fit(X, Y)

    def test_without_scikit_learn(self):
        script = "import sys; sys.modules['sklearn'] = None; import coterie; coterie.load\n" \
                 "try: coterie.MixtureOfExpertsRegressor\nexcept ImportError: print('said')"
        result = self.succeed(sys.executable, "-c", script, env={"PYTHONPATH": PACKAGE})
        self.assertEqual(result.stdout, "said\n")


if __name__ == "__main__":
    support.main(2)
