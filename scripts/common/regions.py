# SPDX-License-Identifier: BSD-3-Clause
"""The plane of inputs: where the gate sends a sample, and what the experts say there."""
import numpy

from common import style

POINTS = 1500  # samples drawn at most


class Plane:
    """Two coordinates for the inputs: themselves, or their two principal components."""

    def __init__(self, run, x):
        self.run = run
        if x.shape[1] == 2:
            self.names = [style.plain(name) for name in run.inputs]
            self.basis, self.origin = numpy.eye(2), numpy.zeros(2)
            self.scale = numpy.ones(2)
            return
        self.origin, self.scale = x.mean(0), numpy.where(run.x_scale == 0, 1, run.x_scale)
        _, values, axes = numpy.linalg.svd((x - self.origin) / self.scale, full_matrices=False)
        share = values ** 2 / (values ** 2).sum()
        self.basis = axes[:2]
        self.names = [f"component {i + 1} ({100 * share[i]:.0f} % of the variance)"
                      for i in range(2)]

    def coordinates(self, x):
        return ((x - self.origin) / self.scale) @ self.basis.T

    def inputs(self, coordinates):
        return coordinates @ self.basis * self.scale + self.origin

    def grid(self, x):
        """Both coordinates (n, n) of a grid around the samples."""
        n = 180 if x.shape[1] <= 8 else 90
        at = self.coordinates(x)
        margin = 0.06 * (at.max(0) - at.min(0))
        sides = [numpy.linspace(low, high, n)
                 for low, high in zip(at.min(0) - margin, at.max(0) + margin)]
        return numpy.meshgrid(*sides)


def _tint(colour, share=0.3):
    rgb = numpy.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return 1 - share * (1 - rgb)


def _draw_regions(axis, u, v, g, colours):
    """The tint of the expert with the largest proportion; its number where it is largest."""
    first = g.argmax(0)
    image = numpy.array([_tint(c) for c in colours])[first]
    axis.imshow(image, origin="lower", aspect="auto", interpolation="nearest",
                extent=(u.min(), u.max(), v.min(), v.max()))
    for e in numpy.unique(first) if len(g) > 1 else ():
        lead = g[e] - numpy.delete(g, e, 0).max(0)
        if lead.min() < 0 < lead.max():
            axis.contour(u, v, lead, [0], colors="white", linewidths=1.6)
    return first


def number_regions(axis, u, v, g, first):
    """The number of each region, well inside of it."""
    for e in numpy.unique(first):
        inside = first == e
        if inside.mean() < 0.004:
            continue
        depth = _depth(inside)
        at = numpy.unravel_index(depth.argmax(), depth.shape)
        axis.text(u[at], v[at], str(e), ha="center", va="center", fontsize=8, fontweight="bold",
                  bbox={"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": style.INK,
                        "linewidth": 0.6}, zorder=6)


def _depth(inside):
    """How many steps each cell is from the outside of its region."""
    depth, layer = numpy.zeros(inside.shape), numpy.pad(inside, 1)
    while layer.any():
        depth += layer[1:-1, 1:-1]
        layer = numpy.pad(layer[1:-1, 1:-1] & layer[:-2, 1:-1] & layer[2:, 1:-1]
                          & layer[1:-1, :-2] & layer[1:-1, 2:], 1)
    return depth


def draw_decisions(axis, u, v, prediction, run, colours, first):
    """Where each expert in use changes its mind. With two classes along its whole line; with more
    only where the gate asks it, or the lines of all experts would hide each other."""
    names, form = run.classes or run.targets, "o_{}_{}" if run.is_regression else "p_{}_{}"
    used = [e for e in numpy.unique(first) if (first == e).mean() >= 0.004]
    for e in used:
        p = numpy.stack([prediction.columns[form.format(e, name)] for name in names])
        p = p.reshape(len(names), *u.shape)
        if len(names) <= 2 or run.config["expert_output"] == "logistic":
            for each in p[-1:] if run.classes else p:
                axis.contour(u, v, each, [0.5], colors=[colours[e]], linewidths=1.5)
            continue
        for k in range(len(names)):
            others = numpy.delete(p, k, 0).max(0)
            lead = numpy.where(first == e, p[k] - others, numpy.nan)
            if numpy.nanmin(lead) < 0 < numpy.nanmax(lead):
                axis.contour(u, v, lead, [0], colors=[colours[e]], linewidths=1.5)


def draw_samples(axis, at, labels, classes):
    """A shape for each class while there are shapes; the legend is above."""
    if labels is None or len(classes) > len(style.MARKERS):
        axis.plot(*at.T, ".", color=style.INK, markersize=1.5, alpha=0.6)
        for c in classes if labels is not None else ():
            if (labels == c).any():
                axis.text(*numpy.median(at[labels == c], 0), style.plain(c), fontsize=7, ha="center",
                          va="center", bbox={"boxstyle": "square,pad=0.1", "facecolor": "white",
                                             "alpha": 0.8, "linewidth": 0}, zorder=5)
        return
    for marker, c in zip(style.MARKERS, classes):
        axis.plot(*at[labels == c].T, marker, markersize=2.6, markeredgewidth=0.5,
                  markerfacecolor="none", markeredgecolor=style.INK, label=style.plain(c))
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=min(len(classes), 5),
                borderaxespad=0.2, columnspacing=1, handletextpad=0.1)


def plane(run, x, targets):
    """Two inputs or more. Targets may be given as labels where the model knows numbers."""
    rng = numpy.random.default_rng(0)
    shown = rng.permutation(len(x))[:POINTS]
    space = Plane(run, x)
    u, v = space.grid(x)
    prediction = run.predict_inputs(space.inputs(numpy.stack([u.ravel(), v.ravel()], 1)))
    g = prediction.g.reshape(-1, *u.shape)
    colours = style.expert_colours(g.mean((1, 2)))
    figure, axis = style.panels(1, 2.8)
    first = _draw_regions(axis, u, v, g, colours)
    if run.is_regression and run.config["expert_output"] == "identity":
        y = prediction.columns[f"y_{run.targets[0]}"].reshape(u.shape)
        lines = axis.contour(u, v, y, 6, colors=style.INK, linewidths=0.7)
        axis.clabel(lines, fontsize=7, fmt="%.3g")
        style.headline(axis, "areas: the expert with the largest $g$; lines: equal " +
                       style.plain(run.targets[0]))
    else:
        draw_decisions(axis, u, v, prediction, run, colours, first)
        style.headline(axis, "areas: the expert with the largest $g$; lines: its decisions")
    is_label = targets.dtype.kind == "U"
    draw_samples(axis, space.coordinates(x[shown]), targets[shown] if is_label else None,
                 run.classes or list(dict.fromkeys(targets if is_label else ())))
    number_regions(axis, u, v, g, first)
    axis.set_xlim(u.min(), u.max())
    axis.set_ylim(v.min(), v.max())
    axis.set_xlabel(space.names[0])
    axis.set_ylabel(space.names[1])
    return figure


def _draw_line(axis, run, t, prediction, used, colours):
    """What each expert says where the gate asks it, and what they say together."""
    name = run.targets[0] if run.is_regression else run.classes[-1]
    form = f"o_{{}}_{name}" if run.is_regression else f"p_{{}}_{name}"
    each = prediction.each(form)
    for i, e in enumerate(used):
        axis.plot(t, numpy.where(prediction.g[e] >= 0.05, each[e], numpy.nan), color=colours[e],
                  linestyle=style.LINES[i % len(style.LINES)], label=f"expert {e}")
    if run.is_regression:
        axis.fill_between(t, prediction.columns[f"lower_{name}"],
                          prediction.columns[f"upper_{name}"], color=style.PALE, alpha=0.5,
                          linewidth=0, label="90 % interval")
    axis.set_ylabel(style.plain(name if run.is_regression else f"P({name})"))


def line(run, x, targets):
    """One input: the experts above, the mixing proportions below."""
    t = numpy.linspace(x.min(), x.max(), 400)
    path_options = ("--interval", "0.9") if run.is_regression else ()
    prediction = run.predict_inputs(t[:, None], *path_options)
    colours = style.expert_colours(prediction.g.mean(1))
    used = [e for e in range(run.experts) if prediction.g[e].max() > 0.05]
    figure, (above, below) = style.panels(2, 3.6, sharex=True, gridspec_kw={"height_ratios": (2, 1)})
    if run.is_regression:
        shown = numpy.random.default_rng(0).permutation(len(x))[:POINTS]
        above.plot(x[shown, 0], targets[shown, 0], ".", color=style.INK, markersize=1.5, alpha=0.5)
    _draw_line(above, run, t, prediction, used, colours)
    style.legend_above(above, 3)
    for i, e in enumerate(used):
        below.plot(t, prediction.g[e], color=colours[e], linestyle=style.LINES[i % 4])
    below.set_ylim(-0.02, 1.02)
    below.set_ylabel("$g$")
    below.set_xlabel(style.plain(run.inputs[0]))
    below.margins(x=0.02)
    return figure


def draw(run, x, targets):
    return line(run, x, targets) if x.shape[1] == 1 else plane(run, x, targets)
