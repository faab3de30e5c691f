# SPDX-License-Identifier: BSD-3-Clause
"""Curves over the epochs: what was learned, and how many experts took part."""
import numpy

from common import style


def _name_of_metric(run):
    if numpy.isfinite(run.metric("accuracy")).any():
        return "accuracy", "accuracy"
    return "rmse", style.plain(f"RMSE of {run.targets[0]}") if len(run.targets) == 1 else "RMSE"


def _draw_metric(axis, run, name, label):
    epoch = run.metric("epoch")
    train, valid = run.metric(name), run.metric(f"{name}_valid")
    axis.plot(epoch, train, color=style.PALETTE[0], label="training")
    if numpy.isfinite(valid).any():
        axis.plot(epoch, valid, "--", color=style.PALETTE[5], label="validation")
    axis.set_ylabel(label)
    values = numpy.concatenate([train, valid])
    values = values[numpy.isfinite(values)]
    if name != "accuracy" and len(values) and values.min() > 0 and values.max() > 10 * values.min():
        axis.set_yscale("log")


def learning(run):
    name, label = _name_of_metric(run)
    figure, (above, below) = style.panels(2, 3.2, sharex=True)
    _draw_metric(above, run, "error", "error per sample")
    _draw_metric(below, run, name, label)
    epoch, valid = run.metric("epoch"), run.metric("error_valid")
    best = numpy.isfinite(valid) & (epoch == run.best_epoch)  # as training chose, which may be by nll
    if best.any():
        above.plot(epoch[best], valid[best], "o", color=style.PALETTE[5], markersize=4, clip_on=False,
                   label=f"best, epoch {run.best_epoch}")
    style.legend_above(above, 3)
    below.set_xlabel("epoch")
    below.margins(x=0.02)
    return figure


def _draw_use(axis, use):
    """Bars, or for many experts a line of the use in falling order."""
    g = numpy.array([expert["mean_g"] for expert in use])
    h = numpy.array([numpy.nan if e["mean_h"] is None else e["mean_h"] for e in use])
    number = numpy.arange(len(g))
    if len(g) > 24:
        order = numpy.argsort(-g)
        axis.plot(number, g[order], drawstyle="steps-mid", color=style.PALETTE[0], label="mean $g$")
        axis.plot(number, h[order], ".", color=style.PALETTE[5], markersize=3, label="mean $h$")
        axis.set_xlabel("experts, the most used first")
    else:
        axis.bar(number - 0.2, g, 0.4, color=style.PALETTE[0], label="mean $g$ (gate)")
        axis.bar(number + 0.2, h, 0.4, color=style.PALETTE[1], hatch="////", edgecolor="white",
                 linewidth=0, label="mean $h$ (posterior)")
        axis.set_xticks(number)
        axis.set_xlabel("expert")
    axis.set_ylabel("share of samples")
    style.legend_above(axis, 2)


def experts(run, evaluation):
    """How many take part over the epochs; what each has in the end (None: not known)."""
    figure, axes = style.panels(2 if evaluation else 1, 3.4 if evaluation else 1.9)
    above = axes[0] if evaluation else axes
    epoch = run.metric("epoch")
    above.plot(epoch, run.metric("experts_used"), color=style.PALETTE[0], label="experts in use")
    above.plot(epoch, numpy.exp(run.metric("gate_entropy")), "--", color=style.PALETTE[5],
               label="per sample, exp(entropy)")
    above.set_ylim(0, 1.04 * run.experts)
    above.set_xlabel("epoch")
    above.set_ylabel(f"experts of {run.experts}")
    above.yaxis.get_major_locator().set_params(integer=True)
    above.margins(x=0.02)
    style.legend_above(above, 2)
    if evaluation:
        _draw_use(axes[1], evaluation["experts"])
    return figure
