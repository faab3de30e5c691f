# SPDX-License-Identifier: BSD-3-Clause
"""--top-k: the same bits on any number of ranks, K = E is the dense model, restarts, usage."""
import support

MODEL = ("--data", "builtin:vowels10", "--experts", 6, "--expert-hidden", 5, "--batch-size", 100,
         "--valid", 0.2, "--epochs", 6, "--quiet")
ROUTED = (*MODEL, "--top-k", 2, "--balance-weight", 0.1)


class TopKTest(support.TestCase):

    def train(self, name, *options, ranks=None):
        self.succeed(support.COTERIE, "train", "--output", self.folder / name, *options,
                     ranks=ranks)
        return self.folder / name / "checkpoints/latest"

    def test_the_same_bits_on_any_number_of_ranks_and_after_a_restart(self):
        one = self.train("one", *ROUTED)
        self.assert_same_checkpoint(one, self.train("three", *ROUTED, ranks=3))
        self.train("five", *ROUTED, "--epochs", 3, ranks=5)
        five = self.train("five", "--resume", "auto", "--epochs", 6, "--quiet", ranks=2)
        self.assert_same_checkpoint(one, five)
        predictions = [self.folder / f"{ranks}.csv" for ranks in (1, 3)]
        for ranks, path in zip((1, 3), predictions):
            self.succeed(support.COTERIE, "predict", one, "--data", "builtin:vowels10/test",
                         "--output", path, "--quiet", ranks=ranks)
        texts = [path.read_text(encoding="utf-8") for path in predictions]
        self.assertEqual(*texts)
        # Two experts a sample have a say, and all six have it somewhere.
        header, *rows = [line.split(",") for line in texts[0].splitlines()]
        places = [header.index(f"g_{e}") for e in range(6)]
        used = [{e for e, at in enumerate(places) if float(row[at]) > 0} for row in rows]
        self.assertEqual({len(experts) for experts in used}, {2})
        self.assertGreater(len(set.union(*used)), 2)

    def test_all_experts_are_the_dense_model(self):
        dense = self.train("dense", *MODEL)
        self.assert_same_checkpoint(dense, self.train("all", *MODEL, "--top-k", 6),
                                    ("/config@top_k", "/checksum/rest"))
        self.assertIsNotNone(support.first_difference(dense, self.train("two", *ROUTED)))

    def test_wrong_usage(self):
        for options, words in ((("--top-k", 5), "--top-k 5 is more than the 4 experts"),
                               (("--top-k", 2, "--error", "cooperative"), "needs --error mixture"),
                               (("--anneal", "1:5"), "B between 0 and 1"),
                               (("--anneal", "0.5:5", "--error", "competitive"), "--anneal"),
                               (("--balance-weight", -1), "0 or more"),
                               (("--optimizer", "em", "--entropy-weight", 1), "--entropy-weight")):
            result = support.run(support.COTERIE, "train", "--output", self.folder / "no", *options)
            self.assert_rc(result, 2, words)


if __name__ == "__main__":
    support.main()
