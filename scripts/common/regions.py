# SPDX-License-Identifier: BSD-3-Clause
"""The plane of inputs: where the gate sends a sample, and what the experts say there."""
import numpy

from common import style

POINTS = 1500  # samples drawn at most
FAR = 0.15     # of the width and height of the picture: further from all samples nothing is known
MOST_TARGETS = 4  # that are drawn
NAMED = 6      # experts that have a line with a name of its own


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


def known(at, u, v):
    """Where on the grid (u, v) there are samples `at` (N, 2) nearby: an ellipse around each."""
    lowest = numpy.array([u.min(), v.min()])
    width = numpy.array([u.max(), v.max()]) - lowest
    n = u.shape[0]
    cell = numpy.clip(((at - lowest) / width * (n - 1)).round().astype(int), 0, n - 1)
    has_samples = numpy.zeros(u.shape, bool)
    has_samples[cell[:, 1], cell[:, 0]] = True
    reach = int(FAR * n)
    near = numpy.zeros(u.shape, bool)
    padded = numpy.pad(has_samples, reach)
    for i, j in numpy.ndindex(2 * reach + 1, 2 * reach + 1):
        if (i - reach) ** 2 + (j - reach) ** 2 <= reach ** 2:
            near |= padded[i:i + n, j:j + n]
    return near


def _tint(colour, share=0.3):
    rgb = numpy.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return 1 - share * (1 - rgb)


def _draw_regions(axis, u, v, g, colours, near):
    """The tint of the expert with the largest proportion; white where nothing is known."""
    first = g.argmax(0)
    image = numpy.array([_tint(c) for c in colours])[first]
    image[~near] = 1
    axis.imshow(image, origin="lower", aspect="auto", interpolation="nearest",
                extent=(u.min(), u.max(), v.min(), v.max()))
    for e in numpy.unique(first) if len(g) > 1 else ():
        lead = g[e] - numpy.delete(g, e, 0).max(0)
        if lead.min() < 0 < lead.max():
            axis.contour(u, v, lead, [0], colors="white", linewidths=1.6)
    return numpy.where(near, first, -1)


def number_regions(axis, u, v, g, first):
    """The number of each region, well inside of it."""
    for e in numpy.unique(first[first >= 0]):
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
    used = [e for e in numpy.unique(first[first >= 0]) if (first == e).mean() >= 0.004]
    for e in used:
        p = numpy.stack([prediction.columns[form.format(e, name)] for name in names])
        p = numpy.where(first >= 0, p.reshape(len(names), *u.shape), numpy.nan)
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
        axis.plot(*at.T, ".", color=style.INK, markersize=1.5, alpha=0.6, label="samples")
        if labels is None:
            axis.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, markerscale=3,
                        handletextpad=0.1)
        for c in classes if labels is not None else ():
            if (labels == c).any():
                axis.text(*numpy.median(at[labels == c], 0), style.plain(c), fontsize=7, ha="center",
                          va="center", bbox={"boxstyle": "square,pad=0.1", "facecolor": "white",
                                             "alpha": 0.8, "linewidth": 0}, zorder=5)
        return
    for marker, c in zip(style.MARKERS, classes):
        axis.plot(*at[labels == c].T, marker, markersize=2.6, markeredgewidth=0.5,
                  markerfacecolor="none", markeredgecolor=style.INK, label=style.plain(c))
    longest = max(len(c) for c in classes)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, columnspacing=1,
                ncol=max(1, min(len(classes), 5, 52 // (longest + 4))), handletextpad=0.1)


def _draw_equal_lines(axis, u, v, y, near, name):
    """Lines of equal prediction, and what they are of."""
    shown = numpy.where(near, y, numpy.nan)
    if numpy.nanmin(shown) < numpy.nanmax(shown):
        lines = axis.contour(u, v, shown, 6, colors=style.INK, linewidths=0.7)
        axis.clabel(lines, fontsize=7, fmt="%.3g")
    axis.set_title(style.wrapped(f"lines: equal {style.plain(name)}", 60), loc="right", fontsize=7)


def _draw_plane(axis, run, space, u, v, prediction, near):
    """The areas of the experts; of classes their decisions."""
    g = prediction.g.reshape(-1, *u.shape)
    colours = style.expert_colours(g.mean((1, 2)))
    first = _draw_regions(axis, u, v, g, colours, near)
    if not (run.is_regression and run.config["expert_output"] == "identity"):
        draw_decisions(axis, u, v, prediction, run, colours, first)
    number_regions(axis, u, v, g, first)
    axis.set_xlim(u.min(), u.max())
    axis.set_ylim(v.min(), v.max())
    axis.set_xlabel(style.axis_name(space.names[0], 2.8))
    axis.set_ylabel(style.axis_name(space.names[1], 2.45))


def plane(run, x, targets):
    """Two inputs or more. Targets may be given as labels where the model knows numbers."""
    rng = numpy.random.default_rng(0)
    shown = rng.permutation(len(x))[:POINTS]
    space = Plane(run, x)
    u, v = space.grid(x)
    prediction = run.predict_inputs(space.inputs(numpy.stack([u.ravel(), v.ravel()], 1)))
    near = known(space.coordinates(x), u, v)
    has_lines = run.is_regression and run.config["expert_output"] == "identity"
    names = run.targets[:MOST_TARGETS] if has_lines else run.targets[:1]
    figure, axes = style.panels(len(names), 2.8 * len(names), squeeze=False)
    is_label = targets.dtype.kind == "U"
    for axis, name in zip(axes[:, 0], names):
        _draw_plane(axis, run, space, u, v, prediction, near)
        if has_lines:
            _draw_equal_lines(axis, u, v, prediction.columns[f"y_{name}"].reshape(u.shape), near, name)
        draw_samples(axis, space.coordinates(x[shown]), targets[shown] if is_label else None,
                     run.classes or list(dict.fromkeys(targets if is_label else ())))
    style.headline(axes[0, 0], "areas: the expert with the largest $g$" +
                   ("" if has_lines else "; lines: its decisions"))
    return figure


def _draw_experts(axis, run, t, prediction, name, used, colours):
    """What each expert says where the gate asks it. Of many, all have one name."""
    each = prediction.each(f"o_{{}}_{name}" if run.is_regression else f"p_{{}}_{name}")
    are_many = len(used) > NAMED
    for i, e in enumerate(used):
        heard = prediction.g[e] >= (0.5 / len(used) if are_many else 0.05)
        axis.plot(t, numpy.where(heard, each[e], numpy.nan),
                  **({"color": style.PALE, "linewidth": 0.5, "label": "experts" if i == 0 else None}
                     if are_many else {"color": colours[e], "linestyle": style.LINES[i % len(style.LINES)],
                                       "label": f"expert {e}"}))


def _draw_line(axis, run, t, prediction, name):
    """What they say together, and how sure they are."""
    if run.is_regression:
        axis.fill_between(t, prediction.columns[f"lower_{name}"],
                          prediction.columns[f"upper_{name}"], color=style.PALE, alpha=0.5,
                          linewidth=0, label="90 % interval")
    axis.plot(t, prediction.columns[f"{'y' if run.is_regression else 'p'}_{name}"], color=style.INK,
              linewidth=1.6, label="mixture")
    axis.set_ylabel(style.axis_name(name if run.is_regression else f"P({name})", 1.6))


def _draw_points(axis, run, x, targets, k):
    """The samples; of classes at 1 where it is this one, and at 0 where not."""
    shown = numpy.random.default_rng(0).permutation(len(x))[:POINTS]
    d = targets[:, k] if run.is_regression else (targets == run.classes[k]).astype(float)
    axis.plot(x[shown, 0], d[shown], "." if run.is_regression else "|", color=style.INK, alpha=0.5,
              markersize=1.5 if run.is_regression else 5, label="samples")


def line(run, x, targets):
    """One input: mixture and experts above, for each target or class; mixing proportions below."""
    t = numpy.linspace(x.min(), x.max(), 400)
    path_options = ("--interval", "0.9") if run.is_regression else ()
    prediction = run.predict_inputs(t[:, None], *path_options)
    colours = style.expert_colours(prediction.g.mean(1))
    used = [e for e in range(run.experts) if prediction.g[e].max() > min(0.05, 0.5 / run.experts)]
    names = run.targets if run.is_regression else run.classes
    # Of two classes one says all.
    drawn = [1] if not run.is_regression and len(names) == 2 else range(min(len(names), MOST_TARGETS))
    ratios = [2] * len(drawn) + [1]
    figure, axes = style.panels(len(ratios), 1.0 + 1.3 * sum(ratios) / 1.5, sharex=True,
                                gridspec_kw={"height_ratios": ratios})
    for axis, k in zip(axes, drawn):
        _draw_points(axis, run, x, targets, k)
        _draw_experts(axis, run, t, prediction, names[k], used, colours)
        _draw_line(axis, run, t, prediction, names[k])
    style.legend_above(axes[0], 3)
    below = axes[-1]
    for i, e in enumerate(used):
        below.plot(t, prediction.g[e], color=style.PALE if len(used) > NAMED else colours[e],
                   linestyle="-" if len(used) > NAMED else style.LINES[i % len(style.LINES)])
    below.set_ylim(-0.02, 1.02 * max(prediction.g.max(), 0.1) if len(used) > NAMED else 1.02)
    below.set_ylabel("$g$")
    below.set_xlabel(style.axis_name(run.inputs[0], 2.8))
    below.margins(x=0.02)
    return figure


def draw(run, x, targets):
    return line(run, x, targets) if x.shape[1] == 1 else plane(run, x, targets)
