# SPDX-License-Identifier: BSD-3-Clause
# timeout: 120
"""`coterie bench` with --replicas and --top-k: what is timed does train, and what is counted is what
such a step needs. How fast it is says tests/bench."""
import json

import support

BATCH, INPUTS, HIDDEN, OUTPUTS, EXPERTS = 90, 8, 16, 3, 6
SHAPE = f"{BATCH},{INPUTS},{HIDDEN},{OUTPUTS},{EXPERTS}"


def floor(chosen):
    """Operations of the matrix products of a step. Each chosen expert: forward and the gradient of
    the weights of both layers, and that of the hidden units. Gate, linear: forward for all experts,
    and the gradient of the weights for the chosen ones."""
    expert = 2 * (2 * INPUTS * HIDDEN) + 3 * (2 * HIDDEN * OUTPUTS)
    return BATCH * (chosen * expert + 2 * INPUTS * (EXPERTS + chosen))


class Bench(support.TestCase):
    def bench(self, *options, ranks=2):
        result = self.succeed(support.COTERIE, "bench", "--shape", SHAPE, "--seconds", 0.1, "--json", *options, ranks=ranks)
        return json.loads(result.stdout.splitlines()[-1]), result.stdout

    def assert_floor(self, line, operations):
        self.assertAlmostEqual(1e6 * line["gflops"] * line["step_ms"] / operations, 1, 6)
        self.assertAlmostEqual(line["share"], line["gflops"] / line["sgemm_gflops"], 6)

    def test_replicas_share_the_batch_and_sum_their_gradients(self):
        """The error after some steps is that of one replica, to rounding, as if nothing were
        divided. With chosen experts, of which two samples rarely have the same."""
        one, text = self.bench("--top-k", 2, ranks=None)
        self.assert_floor(one, floor(2))
        self.assertEqual((one["ranks"], one["replicas"], one["top_k"]), (1, 1, 2))
        self.assertEqual((one["micro_batch"], one["busiest"]), (96, 1))
        self.assertNotIn("sum of replicas", text)
        self.assertIn(f"{EXPERTS} experts, 2 of them for a sample; 1 rank,", text)
        two, text = self.bench("--top-k", 2, "--replicas", 2)
        self.assert_floor(two, floor(2))
        self.assertEqual((two["ranks"], two["replicas"], two["top_k"]), (2, 2, 2))
        self.assertEqual(two["micro_batch"], 48)
        self.assertRegex(text, r"(?m)^sum of replicas ")
        self.assertIn("2 ranks in 2 replicas of 1,", text)
        self.assertAlmostEqual(two["error"] / one["error"], 1, 6)

    def test_wrong_usage_is_that_of_train(self):
        """The same line for the same mistake."""
        data = self.folder / "d.csv"
        data.write_text("x,y\n" + "1,2\n" * 3, encoding="utf-8")
        of_train = ("--data", data, "--output", self.folder / "no")
        for options, more in ((("--replicas", 2), ()),
                              (("--replicas", 0), ()),
                              (("--top-k", 7), ("--experts", EXPERTS)),
                              (("--top-k", -1), ()),
                              (("--top-k", 2, "--error", "competitive"), ()),
                              (("--balance-weight", -0.1), ()),
                              (("--root-experts", 7), ("--experts", EXPERTS))):
            with self.subTest(options=options):
                bench = support.run(support.COTERIE, "bench", "--shape", SHAPE, *options)
                train = support.run(support.COTERIE, "train", *of_train, *more, *options)
                self.assert_rc(bench, 2, options[0])
                self.assertEqual((bench.rc, bench.stdout, bench.stderr),
                                 (train.rc, "", train.stderr))

    def test_more_wrong_usage(self):
        for options, ranks, words in (
                (("--replicas", 2, "--shape", "1,2,0,1,4"), 2, "--replicas 2 share batches of 1"),
                (("--shape", "1,2,-1,1,4"), 3, "--shape 1,2,-1,1,4: give five numbers"),
                (("--plan", "--top-k", 2), None, "leave --top-k out"),
                (("--plan", "--balance-weight", 0.1), None, "leave --balance-weight out"),
                (("--plan", "--replicas", 2), 2, "leave --replicas out")):
            with self.subTest(options=options):
                self.assert_rc(support.run(support.COTERIE, "bench", *options, ranks=ranks), 2,
                               words)


if __name__ == "__main__":
    support.main()
