# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""--optimizer em --batch-size: running sums, from memory or as a stream, resumed with the same bits."""
import json
import shutil

import em_case
import h5py
import numpy
import reference
import support
from em_case import D, F

SUMS = "optimizer/em/experts/sums"
N_EXPERTS, N_INPUTS, N_OUTPUTS = 3, 3, 2


def make_samples(n, seed=5):
    rng = numpy.random.default_rng(seed)
    region = rng.integers(0, 3, n)
    x = rng.normal(size=(n, N_INPUTS)) + 3 * numpy.array([[-1, 0, 1], [1, 1, 0], [0, -1, -1]])[region]
    slope = numpy.array([[1, -1, 2], [-2, 1, 0], [0, 2, -1]])[region]
    y = numpy.stack([(slope * x).sum(1), (slope[:, ::-1] * x).sum(1)], 1)
    return x, y + 0.3 * rng.normal(size=y.shape)


def moments(weight, x, d):
    """(E, sums): of z = [x;1;d] the sums of z_u z_v, u over [x;1] and v from u on; then of |d|^2."""
    z = numpy.hstack([x, numpy.ones((len(x), 1)), d])
    full = numpy.einsum("en,nu,nv->euv", weight, z, z)
    rows, columns = numpy.triu_indices(z.shape[1])
    inside = rows <= x.shape[1]
    square = numpy.einsum("en,n->e", weight, (d ** 2).sum(1))
    return numpy.hstack([full[:, rows[inside], columns[inside]], square[:, None]])


def m_step(sums):
    """What maximises the likelihood, from one expert's sums: weights with bias, variance, mean, covariance."""
    units, width = N_INPUTS + 1, N_INPUTS + 1 + N_OUTPUTS
    rows, columns = numpy.triu_indices(width)
    full = numpy.zeros((width, width))
    inside = rows < units
    full[rows[inside], columns[inside]] = sums[:-1]
    xx, xd = full[:units, :units], full[:units, units:]
    xx = numpy.triu(xx) + numpy.triu(xx, 1).T
    fit = numpy.linalg.solve(xx, xd)
    share = xx[-1, -1]
    variance = (sums[-1] - 2 * (fit * xd).sum() + (fit * (xx @ fit)).sum()) / share / N_OUTPUTS
    mean = xx[:-1, -1] / share
    return fit, variance, mean, xx[:-1, :-1] / share - numpy.outer(mean, mean), share


class OnlineEm(em_case.EmCase):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "d.h5"
        self.write_samples(600)

    def write_samples(self, n):
        with h5py.File(self.data, "w") as file:
            file["x"], file["y"] = make_samples(n)

    def train(self, run, *more, **how):
        words = ["--data", self.data, "--experts", N_EXPERTS, "--optimizer", "em", "--gate", "gaussian",
                 "--variance", "learned", "--batch-size", 64]
        return super().train(run, words, *more, **how)

    def steps(self, run, n):
        """Sums and parameters after each of the first n steps."""
        found = []
        for step in range(1, n + 1):
            path = self.folder / run / "checkpoints" / f"step-{step:09d}.h5"
            with h5py.File(path) as file:
                found.append((file[SUMS][()], reference.read_parameters(path)))
        return found


class SameBits(OnlineEm):
    def test_ranks_streams_and_restarts(self):
        for program in (D, F):
            with self.subTest(program):
                name = str(program == D)
                words = ["--valid", 0.2, "--micro-batch", 24, "--stream-block", 32, "--anneal", "0.3:2"]
                self.train(f"{name} 1", *words, "--epochs", 3, program=program)
                self.train(f"{name} 2", *words, "--epochs", 3, "--stream", "always", ranks=2,
                           program=program)
                self.train(f"{name} 5", *words, "--epochs", 3, ranks=5, program=program)
                run = self.folder / f"{name} parts"
                self.train(run.name, *words, "--epochs", 3, "--checkpoint-every", "1s", "--keep", 999,
                           ranks=3, program=program)
                middle = sorted((run / "checkpoints").glob("step-*.h5"))[11]  # in the second epoch
                shutil.copytree(run, self.folder / f"{name} again", symlinks=True)
                self.assert_rc(support.run(program, "train", "--resume", middle, "--stream", "always",
                                           "--output", self.folder / f"{name} again", "--quiet"), 0)
                for other in ("2", "5", "parts", "again"):
                    ignore = ["/config@checkpoint_every", "/config@keep", "/progress@rollback_steps",
                              "/checksum/rest"]
                    self.assert_same_checkpoint(self.latest(f"{name} 1"),
                                                self.latest(f"{name} {other}"), ignore)
                    self.assert_same_metrics(self.folder / f"{name} 1",
                                             self.folder / f"{name} {other}")


class Sums(OnlineEm):
    def test_against_the_definition(self):
        """
        As long as no parameter has moved, what each batch has added is known whatever the order of
        samples: over an epoch it is the E-step of all. Then parameters are the maximum of the sums.
        """
        self.write_samples(210)
        most = 10 * N_EXPERTS * (N_INPUTS + 1)  # samples before the first M-step: 120, 2 batches
        for forgetting in (0.6, 1):
            run = f"run {forgetting}"
            self.train(run, "--forgetting", forgetting, "--batch-size", 10, "--epochs", 1,
                       "--checkpoint-every", "1s", "--keep", 999)
            self.train("start", "--batch-size", 10, "--epochs", 0)
            checkpoint = reference.Checkpoint(self.latest("start"))
            found = self.steps(run, 20)
            first = most // 10 - 1  # the step whose M-step is the first
            for key, value in checkpoint.mixture.parameters.items():
                for step in range(first):
                    numpy.testing.assert_array_equal(found[step][1][key], value)
            self.assertTrue(any((found[first][1][key] != value).any()
                                for key, value in checkpoint.mixture.parameters.items()))
            for sums, parameters in found[first:]:
                shares = []
                for e in range(N_EXPERTS):
                    fit, variance, mean, covariance, share = m_step(sums[e])
                    shares.append(share)
                    if share < 0.2:  # may be too few samples for a step
                        continue
                    for key, value in (("experts/layer0/weight", fit[:-1].T),
                                       ("experts/layer0/bias", fit[-1]),
                                       ("experts/variance", variance),
                                       ("gate/gaussian/mean", mean),
                                       ("gate/gaussian/covariance", covariance)):
                        numpy.testing.assert_allclose(parameters[key][e], value, rtol=1e-7, atol=1e-8)
                numpy.testing.assert_allclose(parameters["gate/gaussian/alpha"],
                                              numpy.array(shares) / sum(shares), rtol=1e-12)
            shutil.rmtree(self.folder / "start")

    def test_running_sums(self):
        """An epoch in which nothing moves: 110 samples in 11 batches, fewer than the 120 that it takes."""
        self.write_samples(110)
        for forgetting in (0.5, 0.8):
            run = f"run {forgetting}"
            self.train(run, "--forgetting", forgetting, "--batch-size", 10, "--epochs", 1,
                       "--checkpoint-every", "1s", "--keep", 999)
            checkpoint = reference.Checkpoint(self.latest(run))
            x, y = make_samples(110)
            x, d = checkpoint.scale_x(x), checkpoint.scale_y(y)
            expected = moments(checkpoint.mixture.posterior(x, d), x, d)
            before, added = 0, 0
            for t, (sums, _) in enumerate(self.steps(run, 11)):
                r = (t + 1) ** -forgetting
                added = added + 10 * (sums - (1 - r) * before) / r
                before = sums
            numpy.testing.assert_allclose(added, expected, rtol=1e-9, atol=1e-9)

    def test_as_good_as_all_samples_at_once(self):
        self.write_samples(6000)
        self.train("online", "--epochs", 2)
        self.train("batch", "--batch-size", 0, "--epochs", 200)
        nll = []
        for run in ("online", "batch"):
            said = self.succeed(D, "evaluate", self.latest(run), "--data", self.data, "--json")
            nll.append(json.loads(said.stdout)["nll"])
        self.assertLess(nll[0], nll[1] + 0.01)

    def reshape(self, name, *words):
        """Sums and parameters of the run with other experts, before it goes on."""
        self.succeed(D, "train", "--resume", "run", *words, "--output", name, "--quiet",
                     cwd=self.folder)
        with h5py.File(self.latest(name)) as file:
            return file[SUMS][()], reference.read_parameters(self.latest(name))

    def check_maximum(self, sums, parameters, e, variance, tolerance):
        fit, found, mean, covariance, _ = m_step(sums[e])
        for key, value in (("experts/layer0/weight", fit[:-1].T), ("experts/layer0/bias", fit[-1]),
                           ("gate/gaussian/mean", mean), ("gate/gaussian/covariance", covariance)):
            numpy.testing.assert_allclose(parameters[key][e], value, tolerance, tolerance, str(e))
        numpy.testing.assert_allclose(found, variance, tolerance)

    def test_sums_go_with_their_experts(self):
        """The next M-step undoes no split: twins maximise their sums. A pair's sums are added."""
        self.write_samples(640)
        self.train("run", "--epochs", 4)
        with h5py.File(self.latest("run")) as file:
            before, variance = file[SUMS][()], file["experts/variance"][()]
        for spread in ("0", "0.1"):
            sums, after = self.reshape(f"split {spread}", "--split", 0, "--split-spread", spread)
            numpy.testing.assert_array_equal(sums[1:3], before[1:])
            for twin in (0, 3):
                self.check_maximum(sums, after, twin, variance[0], 1e-7)
                self.assertAlmostEqual(m_step(sums[twin])[-1], m_step(before[0])[-1] / 2, 12)
        sums, after = self.reshape("merged", "--merge", "0,2")
        numpy.testing.assert_array_equal(sums, [before[0] + before[2], before[1]])
        _, _, mean, covariance, _ = m_step(sums[0])
        numpy.testing.assert_allclose(after["gate/gaussian/mean"][0], mean, 1e-7, 1e-7)
        numpy.testing.assert_allclose(after["gate/gaussian/covariance"][0], covariance, 1e-7, 1e-7)
        sums, _ = self.reshape("pruned", "--prune", 1)
        numpy.testing.assert_array_equal(sums, before[[0, 2]])

    def test_sums_that_are_not_the_experts(self):
        """Two experts' sums exchanged: the checksums know the experts."""
        self.train("run", "--epochs", 1)
        with h5py.File(self.latest("run"), "r+") as file:
            file[SUMS][:2] = file[SUMS][()][[1, 0]]
        result = support.run(D, "train", "--resume", self.latest("run"), "--output",
                             self.folder / "run", "--epochs", 2)
        self.assert_rc(result, 2, "expert 0")


class Refused(OnlineEm):
    def test_models_that_need_more_than_sums(self):
        for options, word in (("--gate softmax", "--gate gaussian"), ("--expert-hidden 3", "on-line"),
                              ("--forgetting 0.4", "0.5"), ("--forgetting 1.1", "0.5")):
            with self.subTest(options):
                result = self.train("run", *options.split(), rc=2)
                self.assertIn(word, self.assert_one_line(result))
                self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    support.main()
