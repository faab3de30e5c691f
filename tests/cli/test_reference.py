# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""Twenty steps of the program against the same in NumPy, for each part of the model and of training.

Both begin with the parameters of --init; compared are the error at every epoch, in the end the
parameters. reference.py has the formulas, and its gradients are compared with differences here.
"""
import dataclasses
import math

import numpy
import reference
import support

STEPS = 20
INPUTS = 3


@dataclasses.dataclass
class Case:
    """One model and how it is trained; options are those of the program."""
    name: str
    options: tuple = ()
    targets: str = "numbers"  # or labels (3 classes), binary (2 columns of 0 and 1), shares
    outputs: int = 2
    experts: int = 3
    gate_outputs: int = 0  # of a tree; else the experts
    expert_hidden: tuple = ()
    gate_hidden: tuple = ()
    model: dict = dataclasses.field(default_factory=dict)
    optimizer: dict = dataclasses.field(default_factory=dict)
    weighted: bool = False
    variance: float = 1.0

    def unseen(self, part):
        """Inputs that the gate or the experts do not see."""
        seen = self.model.get("seen", {})
        return sorted(set(range(INPUTS)) - set(seen[part])) if part in seen else []


def hidden(activation, expert, gate=()):
    words = ["--activation", activation]
    for name, widths in (("--expert-hidden", expert), ("--gate-hidden", gate)):
        if widths:
            words += [name, ",".join(map(str, widths))]
    return {"options": tuple(words), "expert_hidden": expert, "gate_hidden": gate,
            "model": {"activation": activation}}


CATEGORICAL = {"output": "softmax", "likelihood": "categorical"}
BERNOULLI = {"output": "logistic", "likelihood": "bernoulli"}
CASES = (
    Case("mixture"),
    Case("competitive", ("--error", "competitive"), model={"error": "competitive"}),
    Case("cooperative", ("--error", "cooperative"), model={"error": "cooperative"}),
    Case("fixed variance", ("--variance", "fixed:0.25"), variance=0.25),
    Case("learned variance", ("--variance", "learned:0.5"), variance=0.5, model={"learned": True}),
    Case("labels", targets="labels", outputs=3, model=CATEGORICAL),
    Case("shares of classes", ("--likelihood", "categorical"), targets="shares", outputs=3,
         model=CATEGORICAL),
    Case("competitive labels", ("--error", "competitive"), targets="labels", outputs=3,
         model={"output": "softmax", "error": "competitive"}),
    Case("cooperative labels", ("--error", "cooperative"), targets="labels", outputs=3,
         model={"output": "softmax", "error": "cooperative"}),
    Case("Gaussian labels", ("--likelihood", "gaussian"), targets="labels", outputs=3,
         model={"output": "softmax"}),
    Case("binary", ("--likelihood", "bernoulli"), targets="binary", model=BERNOULLI),
    Case("logistic and Gaussian", ("--expert-output", "logistic"), targets="binary",
         model={"output": "logistic"}),
    Case("momentum", ("--optimizer", "momentum", "--momentum", 0.8),
         optimizer={"kind": "momentum", "momentum": 0.8}),
    Case("adam", ("--optimizer", "adam", "--learning-rate", 0.05),
         optimizer={"kind": "adam", "rate": 0.05}),
    Case("weight decay", ("--weight-decay", 0.3), optimizer={"decay": 0.3}),
    Case("weight decay of adam", ("--optimizer", "adam", "--weight-decay", 0.3),
         optimizer={"kind": "adam", "decay": 0.3}),
    Case("clipping", ("--clip", 0.2), optimizer={"clip": 0.2}),
    Case("clipping with learned variances", ("--clip", 0.3, "--variance", "learned"),
         model={"learned": True}, optimizer={"clip": 0.3}),
    Case("momentum, learned, decay, clip",
         ("--optimizer", "momentum", "--variance", "learned:2", "--weight-decay", 0.1, "--clip", 0.5),
         variance=2, model={"learned": True},
         optimizer={"kind": "momentum", "decay": 0.1, "clip": 0.5}),
    Case("adam, learned", ("--optimizer", "adam", "--variance", "learned:2"),
         variance=2, model={"learned": True}, optimizer={"kind": "adam"}),
    Case("tanh", **hidden("tanh", (5,))),
    Case("relu", **hidden("relu", (5,))),
    Case("gelu", **hidden("gelu", (5,))),
    Case("logistic units", **hidden("logistic", (5,))),
    Case("two layers", **hidden("tanh", (5, 4))),
    Case("two layers of gelu", **hidden("gelu", (17, 4))),
    Case("hidden gate", **hidden("tanh", (), (6,))),
    Case("hidden gate of two layers", **hidden("relu", (4,), (6, 5))),
    Case("balance", ("--balance-weight", 0.3), model={"balance": 0.3}, weighted=True),
    Case("a gate that decides", ("--entropy-weight", 0.5), model={"entropy": 0.5}),
    Case("a gate that spreads, cooperative, balance",
         ("--error", "cooperative", "--entropy-weight", -0.2, "--balance-weight", 2,
          "--gate-hidden", "6"), gate_hidden=(6,),
         model={"error": "cooperative", "entropy": -0.2, "balance": 2}),
    Case("annealing", ("--anneal", "0.2:12", "--variance", "learned:0.5"), variance=0.5,
         model={"learned": True, "anneal": (0.2, 12)}),
    Case("annealed labels", ("--anneal", "0.5:30"), targets="labels", outputs=3,
         model={**CATEGORICAL, "anneal": (0.5, 30)}),
    Case("weights of samples", weighted=True),
    Case("one expert", experts=1),
    Case("one output", outputs=1, experts=17),
    Case("a tree", ("--gate", "tree:2x3"), experts=6, gate_outputs=8, model={"levels": (2, 3)}),
    Case("a tree of three levels with hidden layer, cooperative",
         ("--gate", "tree:2x2x3", "--gate-hidden", "5", "--error", "cooperative"), experts=12,
         gate_outputs=18, gate_hidden=(5,), model={"levels": (2, 2, 3), "error": "cooperative"}),
    Case("a tree that is to be balanced and to decide, competitive",
         ("--gate", "tree:3x2", "--error", "competitive", "--balance-weight", 0.3,
          "--entropy-weight", 0.2), experts=6, gate_outputs=9,
         model={"levels": (3, 2), "error": "competitive", "balance": 0.3, "entropy": 0.2}),
    Case("a tree of labels", ("--gate", "tree:3x2", "--optimizer", "adam"), targets="labels",
         outputs=3, experts=6, gate_outputs=9, model={**CATEGORICAL, "levels": (3, 2)},
         optimizer={"kind": "adam"}),
    Case("own inputs", ("--gate-inputs", "x1", "--expert-inputs", "x2,x0", "--weight-decay", 0.3),
         model={"seen": {"gate": [1], "experts": [0, 2]}}, optimizer={"decay": 0.3}),
    Case("constant proportions", ("--gate-inputs", "none", "--optimizer", "adam"), targets="labels",
         outputs=3, model={**CATEGORICAL, "seen": {"gate": []}}, optimizer={"kind": "adam"}),
    Case("constant experts", ("--expert-inputs", "none", "--variance", "learned:2", "--clip", 0.5,
                              "--optimizer", "momentum"), variance=2,
         model={"learned": True, "seen": {"experts": []}}, optimizer={"kind": "momentum", "clip": 0.5}),
    Case("own inputs of hidden layers", (*hidden("tanh", (5,), (6,))["options"], "--gate-inputs", "x2",
                                         "--expert-inputs", "x0,x1"), expert_hidden=(5,),
         gate_hidden=(6,), model={"seen": {"gate": [2], "experts": [0, 1]}}),
    Case("own inputs of a tree", ("--gate", "tree:2x3", "--gate-inputs", "x0,x2"), experts=6,
         gate_outputs=8, model={"levels": (2, 3), "seen": {"gate": [0, 2]}}),
)


def make_data(case, rng, n=61):
    """x (n,D), d (n,O) and the text of the targets' columns as name: values."""
    x = rng.normal(size=(n, INPUTS))
    if case.targets == "labels":
        label = rng.integers(case.outputs, size=n)
        label[:case.outputs] = range(case.outputs)
        return x, numpy.eye(case.outputs)[label], {"t": [f"class{k}" for k in label]}
    if case.targets == "shares":
        d = rng.dirichlet(numpy.ones(case.outputs), size=n)
        d[:, -1] = 1 - d[:, :-1].sum(1)
    elif case.targets == "binary":
        d = rng.integers(2, size=(n, case.outputs)).astype(float)
    else:
        d = numpy.abs(x @ rng.normal(size=(INPUTS, case.outputs))) + rng.normal(size=(n, case.outputs))
    return x, d, {f"t{k}": d[:, k] for k in range(case.outputs)}


def make_parameters(case, rng):
    found = {"experts/variance": numpy.full(case.experts, case.variance)}
    for part, last, first in (("gate", case.gate_outputs or case.experts, ()), ("experts", case.outputs, (case.experts,))):
        widths = (INPUTS, *(case.gate_hidden if part == "gate" else case.expert_hidden), last)
        for i, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
            found[f"{part}/layer{i}/weight"] = 0.5 * rng.normal(size=(*first, n_out, n_in))
            found[f"{part}/layer{i}/bias"] = 0.5 * rng.normal(size=(*first, n_out))
        found[f"{part}/layer0/weight"][..., case.unseen(part)] = 0
    return found


def write_csv(path, columns):
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(columns) + "\n")
        for row in zip(*columns.values()):
            file.write(",".join(v if isinstance(v, str) else repr(float(v)) for v in row) + "\n")


class Steps(support.TestCase):
    def check(self, number, case, ranks):
        rng = numpy.random.default_rng(number)
        folder = self.folder / str(number)
        folder.mkdir()
        x, d, targets = make_data(case, rng)
        weight = rng.uniform(0, 3, size=len(x)) if case.weighted else None
        columns = {f"x{i}": x[:, i] for i in range(INPUTS)} | targets
        if case.weighted:
            columns["w"] = weight
        write_csv(folder / "data.csv", columns)
        start = make_parameters(case, rng)
        reference.write_parameters(folder / "init.h5", start)
        rate = case.optimizer.get("rate", 0.1)
        options = ["--learning-rate", rate] if "--learning-rate" not in case.options else []
        optimizer = {"--optimizer": "gd"} if "--optimizer" not in case.options else {}
        self.succeed(
            support.COTERIE_D, "train", "--data", folder / "data.csv", "--targets",
            ",".join(targets), "--scale", "none", "--experts", case.experts, *case.options,
            *options, *[word for pair in optimizer.items() for word in pair],
            *(("--weight", "w") if case.weighted else ()), "--init", folder / "init.h5",
            "--epochs", STEPS, "--quiet", "--output", folder / "run", ranks=ranks)

        mixture = reference.Mixture(start, floor=1e-6 * d.var(0).mean(), **case.model)
        optimizer = reference.Optimizer(**{"rate": rate, **case.optimizer})
        expected = reference.train(mixture, optimizer, x, d, STEPS, weight)
        found = [row["error"] for row in support.read_metrics(folder / "run")]
        numpy.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
        self.assertNotEqual(round(found[0], 6), round(found[-1], 6), "nothing was learned")
        latest = reference.read_parameters(folder / "run" / "checkpoints" / "latest")
        self.assertEqual(sorted(latest), sorted(mixture.parameters))
        for name, value in mixture.parameters.items():
            numpy.testing.assert_allclose(latest[name], value, rtol=1e-9, atol=1e-10, err_msg=name)

    def test_all(self):
        for number, case in enumerate(CASES):
            with self.subTest(case=case.name):
                self.check(number, case, 3 if number % 3 == 0 else None)

    def test_parts_of_epochs(self):
        """Samples all alike, so that their order is nothing: 12 in batches of 5, 5 and 2."""
        case = Case("mini-batches", optimizer={"kind": "adam", "rate": 0.1})
        rng = numpy.random.default_rng(7)
        start = make_parameters(case, rng)
        x, d = rng.normal(size=(1, INPUTS)), rng.normal(size=(1, 2))
        rows = {**{f"x{i}": [x[0, i]] * 12 for i in range(INPUTS)},
                **{f"t{k}": [d[0, k]] * 12 for k in range(2)}}
        write_csv(self.folder / "data.csv", rows)
        reference.write_parameters(self.folder / "init.h5", start)
        self.succeed(support.COTERIE_D, "train", "--data", self.folder / "data.csv", "--targets",
                     "t0,t1", "--scale", "none", "--experts", 3, "--optimizer", "adam",
                     "--learning-rate", 0.1, "--batch-size", 5, "--epochs", 4, "--init",
                     self.folder / "init.h5", "--output", self.folder / "run")
        mixture = reference.Mixture(start)
        errors = reference.train(mixture, reference.Optimizer(**case.optimizer), x, d, 12)
        running = [(5 * errors[i] + 5 * errors[i + 1] + 2 * errors[i + 2]) / 12
                   for i in range(0, 12, 3)]
        rows = support.read_metrics(self.folder / "run")
        self.assertEqual([row["step"] for row in rows], [0, 3, 6, 9, 12])
        numpy.testing.assert_allclose([row["error"] for row in rows], [errors[0], *running],
                                      rtol=1e-11)


    def test_floor_of_the_variance(self):
        """An expert that is right to the last bit: ln sigma^2 falls by O/2 times the rate a step."""
        x = numpy.array([-1, -1, 1, -1])
        write_csv(self.folder / "data.csv", {"x": x, "t": (x > 0) * 1.0})
        reference.write_parameters(self.folder / "init.h5", {
            "experts/layer0/weight": [[[1000.0]]], "experts/layer0/bias": [[0.0]]})
        self.succeed(support.COTERIE_D, "train", "--data", self.folder / "data.csv", "--scale",
                     "none", "--experts", 1, "--expert-output", "logistic", "--variance", "learned",
                     "--optimizer", "gd", "--learning-rate", 2, "--epochs", 20, "--init",
                     self.folder / "init.h5", "--output", self.folder / "run")
        found = [row["error"] for row in support.read_metrics(self.folder / "run")]
        lowest = math.log(1e-6 * 3 / 16)
        expected = [max(-step, lowest) / 2 for step in range(21)]
        numpy.testing.assert_allclose(found, expected, rtol=1e-12)
        latest = reference.read_parameters(self.folder / "run" / "checkpoints" / "latest")
        self.assertAlmostEqual(latest["experts/variance"][0], 3e-6 / 16, delta=1e-18)


class Gradients(support.TestCase):
    """Of the reference itself, by central differences."""

    def test_all(self):
        for number, case in enumerate(CASES):
            rng = numpy.random.default_rng(number)
            x, d, _ = make_data(case, rng, 9)
            share = rng.uniform(size=len(x))
            mixture = reference.Mixture(make_parameters(case, rng), **case.model)
            gradient = mixture.gradient(x, d, share)
            self.assertEqual(sorted(gradient), sorted(mixture.parameters))
            for name, value in gradient.items():
                if name == "experts/variance" and not mixture.learned:
                    continue
                direction = rng.normal(size=value.shape)
                errors = []
                for sign in (1, -1):
                    moved = reference.Mixture(mixture.parameters, **case.model)
                    moved.move(name, sign * 1e-6 * direction)
                    errors.append(moved.objective(x, d, share))
                with self.subTest(case=case.name, parameter=name):
                    self.assertAlmostEqual((errors[0] - errors[1]) / 2e-6,
                                           (value * direction).sum(), delta=3e-8)


if __name__ == "__main__":
    support.main()
