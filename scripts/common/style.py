# SPDX-License-Identifier: BSD-3-Clause
"""How pictures look: one column of a paper (3.4 in), text of 7 points and more, colours that
colour-blind readers can tell apart (Okabe & Ito), and never a colour alone."""
import textwrap

import matplotlib
from PIL import Image

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend comes first)

WIDTH = 3.4  # in
INK = "#333333"
PALE = "#bbbbbb"
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a2a")
MARKERS = "o^sDvPX*"
LINES = ("-", "--", "-.", ":")

matplotlib.rcParams.update({
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6, "lines.linewidth": 1.2,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "legend.handlelength": 1.8, "savefig.dpi": 200,
    "figure.constrained_layout.use": True, "svg.hashsalt": "coterie", "axes.axisbelow": True,
    "axes.formatter.useoffset": False})


def plain(name):
    """A name from the data as text: between two dollars Matplotlib would read mathematics."""
    return name.replace("$", r"\$")


def wrapped(text, most):
    """A long name on several lines, so that it ends before the figure does."""
    return "\n".join(textwrap.wrap(text, most)) or text


def axis_name(name, inches):
    """The name of an axis that is so long: some 14 letters to the inch."""
    return wrapped(plain(name), max(10, int(14 * inches)))


def panels(rows=1, height=2.4, **how):
    """A figure one column wide; its panels one above the other."""
    figure, axes = pyplot.subplots(rows, 1, figsize=(WIDTH, height), **how)
    return figure, axes


def save(figure, folder, name):
    """PNG and SVG; the same picture gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", metadata={"Software": None})
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)
    # 128 colours are enough for what is drawn here, and make a third of the size.
    with Image.open(folder / f"{name}.png") as image:
        small = image.convert("RGB").quantize(128)
    small.save(folder / f"{name}.png", optimize=True, dpi=(200, 200))
    return folder / f"{name}.png"


def expert_colours(use):
    """A colour for each expert: the most used ones have their own, the others are pale."""
    order = sorted(range(len(use)), key=lambda e: -use[e])
    colours = [PALE] * len(use)
    for colour, e in zip(PALETTE, order):
        colours[e] = colour
    return colours


def legend_above(axis, columns):
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=columns, borderaxespad=0.2,
                columnspacing=1.2, markerscale=2)


def headline(axis, text):
    """Over the whole width of the figure; what is longer goes on below."""
    axis.figure.suptitle(wrapped(text, 68), x=0.01, ha="left", fontsize=7.5)
