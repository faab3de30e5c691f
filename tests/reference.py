# SPDX-License-Identifier: BSD-3-Clause
"""Mixtures of local experts in NumPy and float64: what the programs are compared with.

Written from the formulas of Jacobs et al. 1991 and of the manual, not from our C. Parameters are
kept in a dict under the names they have in a checkpoint ("experts/layer0/weight", ...).

    g (E,N) mixing proportions   o (E,N,O) expert outputs   h (E,N) posterior   d (N,O) targets
"""
import math

import h5py
import numpy

LOG_2PI = math.log(2 * math.pi)


def logistic(z):
    return 1 / (1 + numpy.exp(-z))


def softmax(z, axis):
    e = numpy.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_or_nothing(g):
    """For g ln g: 0 ln 0 is 0."""
    return numpy.log(numpy.where(g > 0, g, 1))


def log_sum_exp(z, axis):
    most = z.max(axis, keepdims=True)
    return (most + numpy.log(numpy.exp(z - most).sum(axis, keepdims=True))).squeeze(axis)


def normal_cdf(z):
    return 0.5 * (1 + numpy.vectorize(math.erf)(z / math.sqrt(2)))


# name: (f, f')
ACTIVATIONS = {
    "tanh": (numpy.tanh, lambda z: 1 - numpy.tanh(z) ** 2),
    "relu": (lambda z: numpy.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "gelu": (lambda z: z * normal_cdf(z),
             lambda z: normal_cdf(z) + z * numpy.exp(-z * z / 2) / math.sqrt(2 * math.pi)),
    "logistic": (logistic, lambda z: logistic(z) * (1 - logistic(z))),
}


def tree_of(levels):
    """Of each node of a tree of so many branches a level: its branches, and the experts of each.

    Branches count level by level, and in a level node by node.
    """
    nodes, first, width, n_experts = [], 0, 1, math.prod(levels)
    for own in levels:
        below = n_experts // (width * own)
        for node in range(width):
            branches = [first + node * own + b for b in range(own)]
            nodes.append((branches, [list(range((node * own + b) * below, (node * own + b + 1) * below))
                                     for b in range(own)]))
        width *= own
        first += width
    return nodes


def levels_of(gate):
    """(4, 8) of "tree:4x8"."""
    return tuple(map(int, gate[5:].split("x"))) if gate.startswith("tree:") else ()


class Mixture:
    """A model: parameters and how they are to be read."""

    def __init__(self, parameters, *, activation="tanh", output="identity", likelihood="gaussian",
                 error="mixture", learned=False, floor=0.0, balance=0.0, entropy=0.0,
                 anneal=None, levels=(), seen=None):
        self.parameters = {name: numpy.array(value, float) for name, value in parameters.items()}
        self.activation, self.output, self.likelihood = activation, output, likelihood
        self.error, self.learned, self.floor = error, learned, floor
        self.balance, self.entropy, self.anneal, self.beta = balance, entropy, anneal, 1
        self.nodes = tree_of(levels)
        self.seen = seen or {}  # of "gate", "experts": numbers of the inputs that it sees
        self.begin_epoch(0)

    def begin_epoch(self, epoch):
        """anneal: (the first beta, the epochs in which it rises to 1)."""
        if self.anneal:
            first, epochs = self.anneal
            self.beta = first ** max(0, 1 - epoch / epochs)

    # ---- forward

    def _layers(self, part):
        """Weights and biases of the gate (as one network) or of all experts, layer by layer."""
        layers = []
        while f"{part}/layer{len(layers)}/weight" in self.parameters:
            name = f"{part}/layer{len(layers)}/"
            w, b = self.parameters[name + "weight"], self.parameters[name + "bias"]
            layers.append((w[None], b[None]) if part == "gate" else (w, b))
        return layers

    def _propagate(self, part, x):
        """z of each layer, and what went into each layer."""
        f = ACTIVATIONS[self.activation][0]
        layers = self._layers(part)
        if part in self.seen:
            x = numpy.where(numpy.isin(range(x.shape[1]), self.seen[part]), x, 0)
        a, z_all, a_all = numpy.broadcast_to(x, (len(layers[0][0]), *x.shape)), [], []
        for w, b in layers:
            a_all.append(a)
            z_all.append(numpy.einsum("kni,koi->kno", a, w) + b[:, None, :])
            a = f(z_all[-1])
        return z_all, a_all

    @property
    def has_gaussian_gate(self):
        return "gate/gaussian/alpha" in self.parameters

    def input_log_densities(self, x):
        """log alpha_e N(x; m_e, S_e) of a Gaussian gate, without (D/2) log 2 pi, (E,N)."""
        alpha, mean, covariance = (self.parameters[f"gate/gaussian/{name}"]
                                   for name in ("alpha", "mean", "covariance"))
        if "gate" in self.seen:
            seen = self.seen["gate"]
            x, mean, covariance = x[:, seen], mean[:, seen], covariance[:, seen][:, :, seen]
        away = x - mean[:, None, :]
        square = numpy.einsum("enu,euv,env->en", away, numpy.linalg.inv(covariance), away)
        with numpy.errstate(divide="ignore"):  # of an expert without samples
            constant = numpy.log(alpha) - numpy.linalg.slogdet(covariance)[1] / 2
        return constant[:, None] - square / 2

    def proportions(self, x):
        if self.has_gaussian_gate:
            return softmax(self.input_log_densities(x), 0)
        z = self._propagate("gate", x)[0][-1][0]
        if not self.nodes:
            return softmax(z, 1).T
        g = numpy.ones((len(self.parameters["experts/variance"]), len(x)))
        for branches, experts in self.nodes:
            p = softmax(z[:, branches], 1)
            for b, below in enumerate(experts):
                g[below] *= p[:, b]
        return g

    def outputs(self, x):
        z = self._propagate("experts", x)[0][-1]
        if self.output == "logistic":
            return logistic(z)
        return softmax(z, 2) if self.output == "softmax" else z

    def log_likelihoods(self, x, d):
        """log p_e(d) without the constant of the Gaussian density, (E,N)."""
        o = self.outputs(x)
        if self.likelihood == "bernoulli":
            return (d * numpy.log(o) + (1 - d) * numpy.log1p(-o)).sum(2)
        if self.likelihood == "categorical":
            return (d * numpy.log(o)).sum(2)
        variance = self.parameters["experts/variance"][:, None]
        return (-((d - o) ** 2).sum(2) / (2 * variance)
                - d.shape[1] / 2 * numpy.log(variance))

    def posterior(self, x, d):
        return softmax(self.beta * (numpy.log(self.proportions(x)) + self.log_likelihoods(x, d)),
                       0)

    def log_density(self, x, d):
        """log sum_e g_e p_e(d), without the constant, (N)."""
        return log_sum_exp(numpy.log(self.proportions(x)) + self.log_likelihoods(x, d), 0)

    def combined(self, x):
        return numpy.einsum("en,eno->no", self.proportions(x), self.outputs(x))

    def expected_squares(self, x, d):
        return (self.proportions(x) * ((d - self.outputs(x)) ** 2).sum(2)).sum(0)

    def errors(self, x, d):
        """The error function of each sample; with a Gaussian gate that of x and d together."""
        if self.has_gaussian_gate:
            return -log_sum_exp(self.input_log_densities(x) + self.log_likelihoods(x, d), 0)
        if self.error == "cooperative":
            return ((d - self.combined(x)) ** 2).sum(1)
        return self.expected_squares(x, d) if self.error == "competitive" \
            else -self.log_density(x, d)

    def objective(self, x, d, share):
        """What training lowers: the mean error, and the terms for the gate's sake."""
        g = self.proportions(x)
        use = g @ share / share.sum()
        errors = self.errors(x, d)
        if self.beta != 1:
            joint = numpy.log(g) + self.log_likelihoods(x, d)
            errors = -log_sum_exp(self.beta * joint, 0) / self.beta
        return share @ errors \
            + self.balance * share.sum() * (use.var() / use.mean() ** 2) \
            - self.entropy * share @ (g * log_or_nothing(g)).sum(0)

    # ---- backward

    def _from_outputs(self, o, d_o):
        """dE/dz of the experts' last layer from dE/do."""
        if self.output == "logistic":
            return d_o * o * (1 - o)
        if self.output == "softmax":
            return o * (d_o - (d_o * o).sum(2, keepdims=True))
        return d_o

    def _derivatives(self, x, d):
        """Per sample: dE/d(gate logits) (E,N), dE/dz (E,N,O) and dE/d ln sigma^2 (E,N)."""
        g, o = self.proportions(x), self.outputs(x)
        r, none = d - o, numpy.zeros_like(g)
        q = (r ** 2).sum(2)
        if self.error == "cooperative":
            y = self.combined(x)
            return (-2 * g * numpy.einsum("no,eno->en", d - y, o - y),
                    self._from_outputs(o, -2 * g[:, :, None] * (d - y)), none)
        if self.error == "competitive":
            return (g * (q - (g * q).sum(0)),
                    self._from_outputs(o, -2 * g[:, :, None] * r), none)
        h = self.posterior(x, d)
        if self.likelihood != "gaussian":
            return g - h, h[:, :, None] * (o - d), none
        variance = self.parameters["experts/variance"][:, None]
        return (g - h, self._from_outputs(o, -(h / variance)[:, :, None] * r),
                h * (d.shape[1] / 2 - q / (2 * variance)))

    def _backpropagate(self, part, x, d_z, gradient):
        derivative = ACTIVATIONS[self.activation][1]
        layers, (z, a) = self._layers(part), self._propagate(part, x)
        for layer in reversed(range(len(layers))):
            found = {"weight": numpy.einsum("kno,kni->koi", d_z, a[layer]), "bias": d_z.sum(1)}
            for name, value in found.items():
                gradient[f"{part}/layer{layer}/{name}"] = value[0] if part == "gate" else value
            if layer > 0:
                d_z = numpy.einsum("kno,koi->kni", d_z, layers[layer][0]) * derivative(z[layer - 1])

    def _through_tree(self, x, d_logit):
        """dE/dz of the branches (N,branches) from dE/d log g: sum_e dE/d log g_e d log g_e/dz_b."""
        if not self.nodes:
            return d_logit.T
        z = self._propagate("gate", x)[0][-1][0]
        slope = numpy.zeros((len(d_logit), *z.T.shape))  # d log g_e / dz_b
        for branches, experts in self.nodes:
            p = softmax(z[:, branches], 1).T
            for branch, below in zip(branches, experts):
                slope[below, branch] += 1
                for e in below:
                    slope[e, branches] -= p
        return numpy.einsum("en,ebn->nb", d_logit, slope)

    def _gate_terms(self, x, share):
        """Their derivatives by the gate's logits, divided by each sample's share."""
        g = self.proportions(x)
        use = g @ share / share.sum()
        log_g = log_or_nothing(g)
        entropy = -(g * log_g).sum(0)
        return 2 * self.balance * len(g) * g * (use[:, None] - use @ g) \
            - self.entropy * g * (log_g + entropy)

    def gradient(self, x, d, share):
        """Of the objective, under the names of the parameters; variance: by ln sigma^2."""
        d_logit, d_z, d_log_variance = self._derivatives(x, d)
        d_logit = d_logit + self._gate_terms(x, share)
        gradient = {}
        self._backpropagate("gate", x, self._through_tree(x, d_logit * share)[None], gradient)
        self._backpropagate("experts", x, d_z * share[:, None], gradient)
        gradient["experts/variance"] = (d_log_variance * share).sum(1)
        if not self.learned:
            gradient["experts/variance"][:] = 0
        return gradient

    # ---- training

    def move(self, name, by):
        """Adds to a parameter; for the variance, to its logarithm."""
        if name == "experts/variance":
            if self.learned:
                moved = self.parameters[name] * numpy.exp(by)
                self.parameters[name] = numpy.maximum(moved, self.floor)
        else:
            self.parameters[name] = self.parameters[name] + by


class Optimizer:
    """Gradient descent, momentum or Adam, with clipping and decoupled weight decay."""

    def __init__(self, kind="gd", rate=0.1, momentum=0.9, clip=0, decay=0):
        self.kind, self.rate, self.momentum, self.clip, self.decay = \
            kind, rate, momentum, clip, decay
        self.state, self.steps = {}, 0

    def _direction(self, name, gradient):
        state = self.state.setdefault(name, [0, 0])
        if self.kind == "gd":
            return gradient
        if self.kind == "momentum":
            state[0] = self.momentum * state[0] + gradient
            return state[0]
        state[0] = 0.9 * state[0] + 0.1 * gradient
        state[1] = 0.999 * state[1] + 0.001 * gradient ** 2
        m, v = state[0] / (1 - 0.9 ** self.steps), state[1] / (1 - 0.999 ** self.steps)
        return m / (numpy.sqrt(v) + 1e-8)

    def step(self, mixture, gradient, factor=1.0):
        """One update, with the learning rate times `factor`."""
        self.steps += 1
        rate = self.rate * factor
        norm = math.sqrt(sum((value ** 2).sum() for value in gradient.values()))
        shrink = self.clip / norm if self.clip and norm > self.clip else 1
        for name, value in gradient.items():
            if name.endswith("weight"):
                mixture.parameters[name] = mixture.parameters[name] * (1 - rate * self.decay)
            mixture.move(name, -rate * self._direction(name, shrink * value))


def train(mixture, optimizer, x, d, steps, weight=None):
    """Full batches; the mean errors before the first and after each step."""
    weight = numpy.ones(len(x)) if weight is None else weight
    share = weight / weight.sum()
    errors = [share @ mixture.errors(x, d)]
    for epoch in range(steps):
        mixture.begin_epoch(epoch)
        optimizer.step(mixture, mixture.gradient(x, d, share))
        errors.append(share @ mixture.errors(x, d))
    return errors


# ---- files

def read_parameters(path, group="/"):
    """The parameters below `group` of a checkpoint, by name."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].astype(float)

    with h5py.File(path, "r") as file:
        for part in ("gate", "experts"):
            file[group][part].visititems(lambda name, item, part=part: visit(f"{part}/{name}", item))
    return found


def write_parameters(path, parameters):
    with h5py.File(path, "w") as file:
        for name, value in parameters.items():
            file[name] = value


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def seen_of(path, config):
    """What gate and experts see, where that is not all, from the names of inputs that were given."""
    with h5py.File(path, "r") as file:
        names = [text(name) for name in file["names/inputs"]]
    said = {"gate": config.get("gate_inputs"), "experts": config.get("expert_inputs")}
    return {part: [names.index(name) for name in value.split(",") if value != "none"]
            for part, value in said.items() if value}


class Checkpoint:
    """What a checkpoint says, and the model in it."""

    def __init__(self, path, best=False):
        with h5py.File(path, "r") as file:
            config = {key: text(value) for key, value in file["config"].attrs.items()}
            self.classes = [text(c) for c in file["classes"]] if "classes" in file else []
            self.scaler = {name: item[()] for name, item in file["scaler"].items()}
        self.config = config
        self.mixture = Mixture(
            read_parameters(path, "/best" if best else "/"), activation=config["activation"],
            output=config["expert_output"], likelihood=config["likelihood"],
            error=config["error"], learned=config["variance"].startswith("learned"),
            levels=levels_of(config["gate"]), seen=seen_of(path, config))

    def scale_x(self, x):
        return (x - self.scaler["x_mean"]) / self.scaler["x_scale"]

    def scale_y(self, y):
        return (y - self.scaler["y_mean"]) / self.scaler["y_scale"]

    def regression(self, x):
        """y and its variance, (N,O) each, in the units of the data."""
        x = self.scale_x(x)
        g, o = self.mixture.proportions(x)[:, :, None], self.mixture.outputs(x)
        s2 = self.mixture.parameters["experts/variance"][:, None, None]
        y = (g * o).sum(0)
        variance = (g * (s2 + (o - y) ** 2)).sum(0)  # the law of total variance
        scale = self.scaler["y_scale"]
        return y * scale + self.scaler["y_mean"], variance * scale ** 2

    def probabilities(self, x):
        """(N, classes)"""
        y = self.mixture.combined(self.scale_x(x))
        return numpy.hstack([1 - y, y]) if y.shape[1] == 1 and len(self.classes) == 2 else y
