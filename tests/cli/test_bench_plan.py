# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
# timeout: 120
"""`coterie bench --plan`: its table follows from the rates it measured, by the formulas that
src/app/bench/cost_model.h documents, worked out here a second time."""
import json
import math
import unittest

import support

PARTS = ("data", "experts", "gate", "posterior", "exchange", "combine", "update", "replicas")
BATCH, N_OUTPUTS, N_EXPERTS = 512, 3, 12
SHAPE = f"{BATCH},8,16,{N_OUTPUTS},{N_EXPERTS}"
REAL = 4


def rate(plan, name, n):
    """A rate for micro-batches of n samples: lines between the measured points, 0 at 0."""
    points = [(0, 0.0)] + [(p["samples"], p[name]) for p in plan["points"]]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if n <= x1:
            return y0 + (n - x0) / (x1 - x0) * (y1 - y0)
    return points[-1][1] * n / points[-1][0]


def step_parts(plan, row):
    """The formulas."""
    n, replicas, k0 = row["micro_batch"], row["replicas"], row["root_experts"]
    shards = row["ranks"] // replicas
    m = math.ceil(BATCH / replicas / n)
    k = math.ceil((N_EXPERTS - k0) / (shards - 1)) if shards > 1 else 0
    per_host = plan["ranks_per_host"]
    link = plan["inside"] if shards <= per_host else plan["between"]
    sharing = 1 if shards <= per_host else per_host
    far = plan["inside"] if row["ranks"] <= per_host else plan["between"]
    far_sharing = 1 if row["ranks"] <= per_host else per_host
    at = {name: rate(plan, name, n) for name in plan["points"][0] if name != "samples"}
    expert = at["expert_forward"] + at["expert_backward"]
    gate = N_EXPERTS * (at["gate_forward"] + at["gate_backward"])
    posterior = N_EXPERTS * at["posterior"]
    start, rounds = link["latency"] + link["overhead"], math.ceil(math.log2(shards))

    def gather(w):
        return 0 if shards == 1 else (link["latency"] + (shards - 1) * link["overhead"] +
                                      w * (shards - 1) / shards / link["bandwidth"])

    def total(w):
        return min(rounds * (start + w * sharing / link["bandwidth"]),
                   2 * rounds * start +
                   2 * w * (shards - 1) / shards * sharing / link["bandwidth"])

    # Looking ahead: all rounds but one are shorter by so much; the posterior is hidden first.
    one = gather(N_EXPERTS * n * REAL)
    ahead = m > 1 and k > k0 and plan["posterior_in_experts"] * N_EXPERTS > 0.01 * k
    root, other, h = k0 * expert + gate, k * expert, one + posterior + one
    hidden = (m - 1) * ahead * (max(root, other) + h -
                                max(other + one, max(root, k * at["expert_backward"]) + h))
    hidden_posterior = min(hidden, (m - 1) * posterior)
    reals = max(k0 * plan["expert_reals"] + plan["gate_reals"], k * plan["expert_reals"])
    slices = 2 * ((replicas - 1) * (far["latency"] + far["overhead"]) +
                  reals * REAL * (replicas - 1) / replicas * far_sharing / far["bandwidth"])
    return {"data": m * at["data"],
            "experts": m * max(k0, k) * expert,
            "gate": m * (max(root, other) - max(k0, k) * expert),
            "posterior": m * posterior - hidden_posterior,
            "exchange": m * 3 * one - (hidden - hidden_posterior),
            "combine": m * (max(k0, k) * at["combine"] + at["combine_once"] + total(16) +
                            total(8 * ((N_OUTPUTS + 1) * n + 2))),
            "update": reals * plan["update"],
            "replicas": 0 if replicas == 1 else
            slices + (replicas - 1) * reals / replicas * plan["add"]}


class Plan(support.TestCase):
    def plan(self, *args, ranks=None):
        result = self.succeed(support.COTERIE, "bench", "--plan", "--json", "--shape", SHAPE, "--seconds", 0.5,
                              *args, ranks=ranks)
        return json.loads(result.stdout.splitlines()[-1]), result

    def check_table(self, plan):
        self.assertEqual(plan["rows"][0]["ranks"], 1)
        self.assertAlmostEqual(plan["rows"][0]["efficiency"], 1, 5)
        for row in plan["rows"]:
            parts = step_parts(plan, row)
            for name in PARTS:
                self.assertLess(abs(row["parts"][name] - parts[name]),
                                1e-9 + 1e-3 * row["step_seconds"], (row, name, parts[name]))
            self.assertAlmostEqual(row["step_seconds"] / sum(parts.values()), 1, 2)
            one = plan["rows"][0]["step_seconds"]
            self.assertAlmostEqual(row["efficiency"] * row["ranks"] * row["step_seconds"] / one,
                                   1, 3)

    def test_one_rank_says_what_it_does_not_know(self):
        plan, result = self.plan()
        self.check_table(plan)
        self.assertIn("NOT KNOWN", result.stdout)
        self.assertFalse(plan["inside"]["measured"] or plan["between"]["measured"])
        self.assertEqual(plan["between"]["latency"], 2e-6)
        self.assertIn(f"mpirun -n {plan['best_ranks']} coterie train", result.stdout)

    def test_two_ranks_measure_what_lies_between_them(self):
        plan, result = self.plan("--network-latency", "30", "--network-bandwidth", "0.5", ranks=2)
        self.check_table(plan)
        self.assertTrue(plan["inside"]["measured"])
        self.assertGreater(plan["inside"]["bandwidth"], 1e8)
        self.assertNotIn("NOT KNOWN", result.stdout)
        self.assertAlmostEqual(plan["between"]["latency"], 30e-6)
        self.assertAlmostEqual(plan["between"]["bandwidth"], 0.5e9)
        check = plan["check"]
        self.assertEqual((check["ranks"], check["experts"]), (2, N_EXPERTS))
        # How near: tests/bench/scaling, on a quiet machine. Here only that it is the same thing.
        ratio = check["predicted_seconds"] / check["measured_seconds"]
        self.assertTrue(0.05 < ratio < 5, check)


class SmallBatches(support.TestCase):
    def test_fewer_samples_than_a_line(self):
        for shape in ("1,1,0,1,1", "1,4,8,2,2", "3,4,0,2,4", "15,2,0,1,40"):
            self.succeed(support.COTERIE, "bench", "--plan", "--shape", shape, "--seconds", 0.1)


if __name__ == "__main__":
    unittest.main()
