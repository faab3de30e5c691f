# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""Where the time went: the block at the end of `train`, and the table of --profile."""
import re
import time

import support

ROW = re.compile(r"^(\w[\w ]*?) +(\S+) +(\S+) +(\S+) +(\S+) % +(\d+)$", re.MULTILINE)


def read_table(text):
    """{phase: (min, mean, max, slowest rank)} of a printed table."""
    return {name: (float(least), float(mean), float(most), int(slowest))
            for name, least, mean, most, _, slowest in ROW.findall(text)}


class ProfileTest(support.TestCase):

    def train(self, *options, ranks=3, **how):
        return self.succeed(support.COTERIE, "train", "--output", self.folder / "run", "--epochs",
                            40, *options, ranks=ranks, **how).stdout

    def test_the_end_of_a_run_says_in_short_where_the_time_went(self):
        text = self.train()
        shares = [int(share) for share in re.search(r"^time .*$", text, re.MULTILINE)
                  .group().split("(")[0].replace("%", "").split() if share.isdigit()]
        self.assertGreater(sum(shares), 85)
        self.assertLess(sum(shares), 110)
        self.assertRegex(text, r"rank \d worked longest")

    def test_phases_add_up_to_the_time_of_the_run(self):
        began = time.monotonic()
        text = self.train("--profile", "--batch-size", 50, "--checkpoint-every", "5e",
                          "--expert-hidden", 64)
        passed = time.monotonic() - began
        table = read_table(text)
        total = sum(mean for _, mean, _, _ in table.values())
        seconds = float(re.search(r"steps\) in ([\d.]+) s", text).group(1))
        self.assertGreater(total, 0.7 * seconds, text)
        self.assertLess(total, passed, text)
        for phase in ("gate", "experts forward", "experts backward", "exchange", "waiting", "data",
                      "validation", "saving", "update"):
            self.assertIn(phase, table, text)
            least, mean, most, slowest = table[phase]
            self.assertLessEqual(least, mean * 1.001)
            self.assertLessEqual(mean, most * 1.001)
            self.assertLess(slowest, 3)

    def test_a_slow_rank_is_the_slowest_and_makes_the_others_wait(self):
        # Rank 1 sleeps 0.2 s in each of 4 steps: it computes, the others wait for it.
        text = self.train("--profile", env={
            "COTERIE_FAULT": ",".join(f"step_forward:1:{step}:slow" for step in (5, 9, 20, 30))})
        waiting = read_table(text)["waiting"]
        self.assertGreater(waiting[2], 0.7, text)
        self.assertLess(waiting[0], 0.4, text)
        self.assertNotEqual(waiting[3], 1, text)


if __name__ == "__main__":
    support.main()
