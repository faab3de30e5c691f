# SPDX-License-Identifier: BSD-3-Clause
"""Table and figure of what tests/bench/scaling measured and simulated."""
import json

BEST, ALONE, LIMIT = "#1f77b4", "#d62728", "#555555"


def efficiencies(results, series):
    """Per number of ranks all simulated uses, with their efficiency against one rank."""
    rows = [r for r in results if r["series"] == series]
    one = next((r for r in rows if r["ranks"] == 1), None)
    if one is None:
        return []
    weak = series.startswith("weak")
    for row in rows:
        row["efficiency"] = one["step"] / row["step"] / (1 if weak else row["ranks"])
    return rows


def best_of(rows):
    """The fastest use of each number of ranks."""
    best = {}
    for row in rows:
        if row["ranks"] not in best or row["step"] < best[row["ranks"]]["step"]:
            best[row["ranks"]] = row
    return [best[ranks] for ranks in sorted(best)]


def with_weak_samples(results):
    """Weak scaling by samples goes on from where a group of 64 has as many experts as it can."""
    rows = efficiencies(results, "weak, more experts")
    one = next(r for r in rows if r["ranks"] == 1)
    more = [dict(r, efficiency=one["step"] / r["step"]) for r in results
            if r["series"] == "weak, more samples"]
    return rows, [r for r in best_of(rows) if r["ranks"] < 64] + best_of(more)


def use(row):
    return f"{row['replicas']} x {row['ranks'] // row['replicas']}"


def table_of_checks(checks):
    lines = ["| ranks | B,D,H,O,E | measured | simulated | off | formula | off |",
             "|---|---|---|---|---|---|---|"]
    for row in checks:
        formula = row["formula"] / row["measured"] - 1
        lines.append(f"| {row['ranks']} | {row['shape']} | {1e3 * row['measured']:.4g} ms | "
                     f"{1e3 * row['simulated']:.4g} ms | {100 * row['error']:+.1f} % | "
                     f"{1e3 * row['formula']:.4g} ms | {100 * formula:+.1f} % |")
    return lines


def table_of_two_cores(checks):
    """Strong and weak scaling where one and two ranks were measured in comparable shapes."""
    lines = ["| B,D,H,O,E on one rank | strong: the same on two | weak: twice the experts on two |",
             "|---|---|---|"]
    measured = {(row["ranks"], row["shape"]): row["measured"] for row in checks}
    for (ranks, shape), one in measured.items():
        two = measured.get((2, shape))
        if ranks != 1 or two is None:
            continue
        *rest, experts = shape.split(",")
        half = measured.get((1, ",".join([*rest, str(int(experts) // 2)])))
        weak = f"{100 * half / two:.0f} %" if half else ""
        lines.append(f"| {shape} | {100 * one / two / 2:.0f} % | {weak} |")
    return lines


def table_of_simulated(title, rows):
    lines = [f"| {title}: ranks | replicas x shards | experts of rank 0 | micro-batch | step | "
             "efficiency |", "|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row['ranks']} | {use(row)} | {row['root_experts']} | "
                     f"{row['micro_batch']} | {1e3 * row['step']:.4g} ms | "
                     f"{100 * row['efficiency']:.1f} % |")
    return lines


def parts_of(row):
    """Where the time of a step goes on the last rank, which has no gate."""
    last, root = row["last"], row["root"]
    parts = {"experts": last["experts forward"] + last["experts backward"],
             "update": last["update"], "gradients of replicas": row["gradients"],
             "waits for posterior": root["posterior"], "combine": last["combine"]}
    left = max(0, row["step"] - sum(parts.values()))
    parts["waits for gate"] = min(left, root["gate"])
    parts["other messages"] = left - parts["waits for gate"]
    return parts


def lifted(results):
    """The uses of 256 ranks, from the plain one on."""
    rows = [r for r in results if r["ranks"] == 256 and r["series"] in ("strong", "micro-batch")]
    unique = {(r["replicas"], r["micro_batch"], r["root_experts"]): r for r in rows}
    return sorted(unique.values(), key=lambda r: (r["replicas"], r["micro_batch"],
                                                  -r["root_experts"]))


def draw_efficiency(axes, title, curves):
    for label, colour, marker, rows in curves:
        axes.plot([r["ranks"] for r in rows], [100 * r["efficiency"] for r in rows], marker,
                  color=colour, label=label, markersize=4)
    axes.set_xscale("log", base=2)
    axes.set_ylim(0, 108)
    ranks = sorted({r["ranks"] for *_, rows in curves for r in rows})
    axes.set_xticks(ranks[::2] if len(ranks) > 7 else ranks)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.set_xlabel("ranks")
    axes.set_ylabel("efficiency, %")
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")


def draw_parts(axes, rows):
    labels = [f"{use(r)}\n{r['micro_batch']}, {r['root_experts']}" for r in rows]
    bottom = [0.0] * len(rows)
    for name in parts_of(rows[0]):
        heights = [1e3 * parts_of(r)[name] for r in rows]
        axes.bar(labels, heights, bottom=bottom, label=name, width=0.7)
        bottom = [b + h for b, h in zip(bottom, heights)]
    axes.set_ylabel("ms a step")
    axes.set_xlabel("replicas x shards / micro-batch, experts of rank 0")
    axes.set_title("Strong: where the step of 256 ranks goes", fontsize=10)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_ylim(0, 1.45 * max(bottom))
    axes.legend(fontsize=7, ncol=2, loc="upper right")


def draw_figure(path, results):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    strong = efficiencies(results, "strong")
    experts, samples = with_weak_samples(results)
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4.4), constrained_layout=True)
    alone = [r for r in best_of([r for r in strong if r["replicas"] == 1]) if r["ranks"] <= 256]
    draw_efficiency(axes[0], "Strong: 1024 experts 256-1024-32, 4096 samples (simulated)",
                    [("best replicas x shards", BEST, "o-", best_of(strong)),
                     ("one gate for all", ALONE, "s--", alone)])
    axes[0].axhline(80, color=LIMIT, linewidth=0.8, linestyle=":")
    draw_efficiency(axes[1], "Weak: 4 experts x 4096 samples a rank (simulated)",
                    [("more samples", BEST, "o-", samples),
                     ("more experts", ALONE, "s--", best_of(experts))])
    axes[1].axhline(90, color=LIMIT, linewidth=0.8, linestyle=":")
    draw_parts(axes[2], lifted(results))
    figure.savefig(path, dpi=110)


def draw(folder):
    """scaling.md and scaling.png in the folder, from the JSON files there."""
    results = json.loads((folder / "simulated.json").read_text())
    checks = json.loads((folder / "checks.json").read_text())
    experts, samples = with_weak_samples(results)
    for row in lifted(results):
        row["efficiency"] = efficiencies(results, "strong")[0]["step"] / row["step"] / 256
    bits = folder / "bits.json"
    bits_line = "not compared"
    if bits.exists():
        rows = json.loads(bits.read_text())
        bits_line = ", ".join(f"{r['ranks']}: {'equal' if r['same'] else 'DIFFERENT'}"
                              for r in rows)
    parts = [table_of_checks(checks), table_of_two_cores(checks),
             table_of_simulated("Strong, best", best_of(efficiencies(results, "strong"))),
             table_of_simulated("Strong, uses of 256", lifted(results)),
             table_of_simulated("Strong, cores twice as fast",
                                efficiencies(results, "strong, cores twice as fast")),
             table_of_simulated("Weak, more experts, best", best_of(experts)),
             table_of_simulated("Weak, more samples", samples),
             [f"Bits on so many ranks as on one: {bits_line}"]]
    text = "\n\n".join("\n".join(lines) for lines in parts if len(lines) != 2) + "\n"
    (folder / "scaling.md").write_text(text)
    draw_figure(folder / "scaling.png", results)
    print(text, end="")
    print(f"written: {folder / 'scaling.md'}, {folder / 'scaling.png'}")
