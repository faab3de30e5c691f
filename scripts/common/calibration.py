# SPDX-License-Identifier: BSD-3-Clause
"""Does the model know how wrong it is? Residuals, confusions, reliability and coverage."""
import math

import numpy

from common import style

CONFUSION_TEXT = 12  # classes up to which numbers fit into the cells
MOST_TARGETS = 4     # that are drawn
TARGET_COLOURS = [style.PALETTE[k] for k in (0, 5, 2, 3)]


def normal_cdf(z):
    return 0.5 * numpy.vectorize(math.erfc)(-z / math.sqrt(2))


def integral_transform(run, prediction, d):
    """P(target <= d) of each sample and target, (N, T): uniform if the density is right."""
    found = numpy.empty(d.shape)
    for k, name in enumerate(run.targets):
        o, sigma = prediction.each(f"o_{{}}_{name}"), prediction.each(f"sigma_{{}}_{name}")
        found[:, k] = (prediction.g * normal_cdf((d[:, k] - o) / sigma)).sum(0)
    return found


def _draw_residuals(axis, run, k, y, d):
    """The target k against its prediction."""
    shown = numpy.random.default_rng(0).permutation(len(y))[:2000]
    axis.plot(y[shown], d[shown], ".", color=TARGET_COLOURS[k], markersize=2.5, alpha=0.6,
              label="samples")
    both = [min(y.min(), d.min()), max(y.max(), d.max())]
    axis.plot(both, both, color=style.INK, linewidth=0.7, label="as predicted")
    axis.set_xlabel(style.axis_name(f"predicted {run.targets[k]}", 2.8))
    axis.set_ylabel(style.axis_name(run.targets[k], 1.6))


def residuals(run, prediction, d):
    """Regression: each target against its prediction, and residuals in standard deviations."""
    n = min(len(run.targets), MOST_TARGETS)
    figure, axes = style.panels(n + 1, 2.1 * (n + 1))
    edge = 4.25
    bins = numpy.arange(-edge, edge + 0.1, 0.5)
    said = []
    for k, name in enumerate(run.targets[:n]):
        y, variance = (prediction.columns[f"{kind}_{name}"] for kind in ("y", "variance"))
        _draw_residuals(axes[k], run, k, y, d[:, k])
        z = (d[:, k] - y) / numpy.sqrt(variance)
        axes[n].hist(numpy.clip(z, -edge, edge), bins=bins, density=True, color=TARGET_COLOURS[k],
                     **({"alpha": 0.6, "edgecolor": "white", "linewidth": 0.5} if n == 1 else
                        {"histtype": "step", "linestyle": style.LINES[k]}),
                     label=style.wrapped(style.plain(name), 20))
        said.append(f"mean {z.mean():.2f}, sd {z.std():.2f}")
    t = numpy.linspace(-edge, edge, 200)
    axes[n].plot(t, numpy.exp(-t * t / 2) / math.sqrt(2 * math.pi), color=style.INK, linewidth=0.9,
                 label="normal")
    axes[n].set_xlabel("residual / predicted standard deviation")
    axes[n].set_ylabel("density")
    axes[n].set_ylim(0, 1.3 * axes[n].get_ylim()[1])
    axes[n].legend(loc="upper right")
    axes[n].text(0.02, 0.97, "\n".join(said), transform=axes[n].transAxes, va="top", fontsize=7)
    axes[0].legend(loc="upper left")
    more = len(run.targets) - n
    style.headline(axes[0], f"{len(d)} {run.samples_are}" +
                   (f"; {more} more target{'s' if more > 1 else ''} not shown" if more else ""))
    return figure


def confusions(run, prediction, labels):
    """Classes: what was said of the samples of each class, in percent of them, and how many these are."""
    classes = run.classes
    said = numpy.array([c.decode() if isinstance(c, bytes) else c
                        for c in prediction.columns["class"]])
    count = numpy.array([[((labels == a) & (said == b)).sum() for b in classes] for a in classes])
    share = 100 * count / numpy.maximum(count.sum(1, keepdims=True), 1)
    figure, axis = style.panels(1, 3.0)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for i, j in numpy.ndindex(share.shape):
        if count[i, j] and len(classes) <= CONFUSION_TEXT:
            axis.text(j, i, f"{share[i, j]:.0f}", ha="center", va="center", fontsize=7,
                      color="white" if share[i, j] > 55 else style.INK)
    names = [style.wrapped(style.plain(c), 18) for c in classes]
    axis.set_xticks(range(len(classes)), names, rotation=90 if max(map(len, classes)) > 3 else 0)
    axis.set_yticks(range(len(classes)), [f"{name} ({n})" for name, n in zip(names, count.sum(1))])
    axis.set_xlabel("predicted class")
    axis.set_ylabel("class (samples)")
    right = count.trace() / count.sum()
    style.headline(axis, f"% of each class; {100 * right:.1f} % of {count.sum()} {run.samples_are} "
                   "right")
    return figure


def reliability_bins(confidence, right, bins=10):
    """Bins of equally many samples: mean confidence, share that is right, size. And the expected
    calibration error, the mean of |confidence - share| over the samples."""
    order = numpy.argsort(confidence, kind="stable")
    parts = [part for part in numpy.array_split(order, min(bins, len(order))) if len(part)]
    mean = numpy.array([confidence[part].mean() for part in parts])
    share = numpy.array([right[part].mean() for part in parts])
    size = numpy.array([len(part) for part in parts])
    return mean, share, size, (size * abs(mean - share)).sum() / size.sum()


def wilson(share, n, z=1.96):
    """The 95 % interval of a share of n."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * numpy.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return centre - half, centre + half


def reliability(run, prediction, labels):
    """Classes: is what is said with 80 % confidence right in 80 % of the cases?"""
    p = numpy.stack([prediction.columns[f"p_{c}"] for c in run.classes], 1)
    right = numpy.array(run.classes)[p.argmax(1)] == labels
    mean, share, size, ece = reliability_bins(p.max(1), right)
    low, high = wilson(share, size)
    figure, (above, below) = style.panels(2, 3.6, sharex=True, gridspec_kw={"height_ratios": (3, 1)})
    above.plot([0, 1], [0, 1], color=style.INK, linewidth=0.7)
    above.errorbar(mean, share, [numpy.maximum(share - low, 0), numpy.maximum(high - share, 0)],
                   fmt="o", color=style.PALETTE[0], markersize=3.5, linewidth=0.9)
    above.set_ylabel("share that is right")
    style.headline(above, f"{len(right)} {run.samples_are}; expected calibration error "
                   f"{100 * ece:.1f} %")
    below.hist(p.max(1), bins=numpy.linspace(0, 1, 21), color=style.PALETTE[4], edgecolor="white",
               linewidth=0.5)
    below.set_xlabel("confidence: the largest class probability")
    below.set_ylabel("samples")
    low_end = max(0, min(mean.min(), low.min()) - 0.03)
    above.set_xlim(low_end, 1.02)
    above.set_ylim(low_end, 1.02)
    return figure


def coverage(run, prediction, d):
    """Regression: how many targets lie in the central interval of each probability."""
    u = integral_transform(run, prediction, d)
    nominal = numpy.linspace(0.01, 0.99, 99)
    figure, (above, below) = style.panels(2, 4.0, gridspec_kw={"height_ratios": (2, 1)})
    n = len(d)
    error = 1.96 * numpy.sqrt(nominal * (1 - nominal) / n)
    above.fill_between(nominal, numpy.maximum(nominal - error, 0), numpy.minimum(nominal + error, 1),
                       color=style.PALE, alpha=0.6, linewidth=0, label="95 % of such samples")
    above.plot([0, 1], [0, 1], color=style.INK, linewidth=0.7)
    for k, name in enumerate(run.targets[:MOST_TARGETS]):
        inside = [(abs(u[:, k] - 0.5) < p / 2).mean() for p in nominal]
        above.plot(nominal, inside, style.LINES[k], color=TARGET_COLOURS[k],
                   label=style.wrapped(style.plain(name), 20))
    above.set_xlabel("probability of the interval")
    above.set_ylabel("share of targets in it")
    above.legend(loc="lower right")
    below.hist(u.ravel(), bins=numpy.linspace(0, 1, 21), density=True, color=style.PALETTE[4],
               edgecolor="white", linewidth=0.5)
    below.axhline(1, color=style.INK, linewidth=0.7)
    below.set_xlabel("P(target $\\leq$ what it was)")
    below.set_ylabel("density")
    style.headline(above, f"{n} {run.samples_are}; 90 % intervals hold "
                   f"{100 * (abs(u - 0.5) < 0.45).mean():.1f} %")
    return figure
