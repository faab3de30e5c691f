# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""--precision bf16: the same bits on any number of ranks and by each way of making products, close to
float, checkpoints of either, what does not take it. Products: unit/test_bf16.c; passes:
unit/test_mlp_bf16.c."""
import json
import re

import h5py
import numpy
import support

BF16 = ("--precision", "bf16")
COMMON = ("--experts", 5, "--epochs", 8, "--quiet", *BF16)
VOWELS = ("--data", "builtin:vowels10", "--valid", 0.2)
# Each with error function, likelihood, optimiser, layers; and what else a step can be made of.
CASES = (
    (*VOWELS, "--batch-size", 100, "--expert-hidden", 9),
    (*VOWELS, "--error", "competitive", "--optimizer", "momentum", "--expert-hidden", "5,4", "--gate-hidden", 7,
     "--activation", "relu", "--micro-batch", 40),
    (*VOWELS, "--top-k", 2, "--balance-weight", 0.1, "--expert-hidden", 33, "--activation", "gelu"),
    ("--error", "cooperative", "--targets", "iA", "--optimizer", "gd", "--expert-hidden", "6", "--clip", 0.5),
    ("--variance", "learned", "--targets", "iA", "--expert-hidden", 70, "--batch-size", 50, "--weight-decay", 0.1),
    (*VOWELS, "--committee", 2, "--expert-hidden", 4, "--activation", "logistic", "--starts", 2),
)
# How ranks are to make products; None: as the processor can best.
OTHERS = ((2, "fused"), (3, "plain"), (5, None))


class Precision(support.TestCase):

    def train(self, name, *options, ranks=None, maker=None, program=support.COTERIE):
        self.succeed(program, "train", "--output", self.folder / name, *options, ranks=ranks,
                     env={"COTERIE_BF16": maker})
        return self.folder / name

    def assert_same(self, one, other, ignore=()):
        self.assert_same_checkpoint(one / "checkpoints/latest", other / "checkpoints/latest", ignore)
        self.assert_same_metrics(one, other)

    def test_the_same_bits_by_all_ranks_and_ways(self):
        for number, case in enumerate(CASES):
            with self.subTest(case=case):
                one = self.train(f"{number}-1", *case, *COMMON)
                ranks, maker = OTHERS[number % len(OTHERS)]
                self.assert_same(one, self.train(f"{number}-{ranks}", *case, *COMMON, ranks=ranks, maker=maker))
        self.assert_same(self.folder / "0-1", self.train("0-plain", *CASES[0], *COMMON, maker="plain"))

    def test_replicas_of_any_size_and_streams(self):
        data = self.folder / "d.h5"
        rng = numpy.random.default_rng(5)
        with h5py.File(data, "w") as file:
            file["x"] = rng.normal(size=(300, 7))
            file["y"] = numpy.abs(file["x"][:, :2])
        case = ("--data", data, "--expert-hidden", 12, "--batch-size", 64, *COMMON)
        two = self.train("two", *case, "--replicas", 2, ranks=2)
        self.assert_same(two, self.train("four", *case, "--replicas", 2, ranks=4, maker="fused"))
        blocks = (*case, "--stream-block", 11)
        self.assert_same(self.train("kept", *blocks, "--stream", "never"),
                         self.train("read", *blocks, "--stream", "always", ranks=2))

    def test_it_is_close_to_float_but_not_the_same(self):
        """The first error is that of the drawn parameters: only its products are rounded."""
        case = (*VOWELS, "--experts", 4, "--expert-hidden", 20, "--epochs", 60, "--quiet", "--batch-size", 50)
        rows = [support.read_metrics(self.train(name, *case, *options))
                for name, options in (("float", ()), ("bf16", BF16))]
        first, last = [[row[at] for row in rows] for at in (0, -1)]
        self.assertNotEqual(first[0]["error"], first[1]["error"])
        self.assertAlmostEqual(first[1]["error"] / first[0]["error"], 1, 3)
        self.assertAlmostEqual(last[1]["nll_valid"] / last[0]["nll_valid"], 1, delta=0.02)

    def test_either_precision_goes_on_from_the_other(self):
        """A checkpoint says how it was trained, and is float."""
        case = (*VOWELS, "--expert-hidden", 9, "--experts", 3, "--quiet", "--checkpoint-every", "2e")
        of_float = self.train("float", *case, "--epochs", 4)
        with h5py.File(of_float / "checkpoints/latest") as file:
            self.assertEqual(file["config"].attrs["precision"], b"float")
        on = ("--resume", of_float / "checkpoints/latest", "--quiet", "--epochs", 8)
        rounded = self.train("rounded", *on, *BF16)
        with h5py.File(rounded / "checkpoints/latest") as file:
            self.assertEqual((file["config"].attrs["precision"], file.attrs["precision"]), (b"bf16", b"float"))
        self.assertIsNotNone(support.first_difference(rounded / "checkpoints/latest",
                                                      self.train("plain", *on) / "checkpoints/latest"))
        # Not said again, it stays as it was.
        half = self.train("half", *on[:-1], 6, *BF16)
        self.succeed(support.COTERIE, "train", "--output", half, "--resume", "auto", "--epochs", 8, "--quiet")
        self.assert_same_checkpoint(rounded / "checkpoints/latest", half / "checkpoints/latest")
        back = self.train("back", "--resume", rounded / "checkpoints/latest", "--precision", "float", "--epochs", 9,
                          "--quiet", program=support.COTERIE_D)
        self.assertEqual(support.read_metrics(back)[-1]["epoch"], 9)
        said = self.succeed(support.COTERIE, "evaluate", rounded / "checkpoints/latest", "--data", "builtin:vowels10/test")
        self.assertIn("nll", said.stdout)

    def test_what_does_not_take_it(self):
        hidden = ("--expert-hidden", 4)
        for program, options, words in (
                (support.COTERIE, BF16, "give --expert-hidden"),
                (support.COTERIE, (*BF16, *hidden, "--optimizer", "em"), "--optimizer em does not make"),
                (support.COTERIE_D, (*BF16, *hidden), "use coterie"),
                (support.COTERIE, ("--precision", "half", *hidden), "bf16")):
            with self.subTest(options=options):
                result = support.run(program, "train", "--output", self.folder / "no", *options)
                self.assert_rc(result, 2, "--precision", words)
                self.assert_one_line(result)
                self.assertFalse((self.folder / "no").exists())
        for program, shape, words in ((support.COTERIE, "64,8,0,3,4", "--expert-hidden"),
                                      (support.COTERIE_D, "64,8,16,3,4", "coterie_d")):
            self.assert_rc(support.run(program, "bench", "--shape", shape, *BF16), 2, "--precision", words)

    def test_bench_and_its_plan(self):
        shape = ("--shape", "128,20,40,3,4", "--seconds", 0.1, "--json")
        lines = {}
        for precision in ("float", "bf16"):
            result = self.succeed(support.COTERIE, "bench", *shape, "--precision", precision)
            lines[precision] = json.loads(result.stdout.splitlines()[-1])
            self.assertEqual(lines[precision]["precision"], precision)
            self.assertRegex(result.stdout, rf"(?m)^shape .*, {precision}, kernel")
        errors = [line["error"] for line in lines.values()]
        self.assertNotEqual(*errors)
        self.assertAlmostEqual(errors[1] / errors[0], 1, 3)
        plan = self.succeed(support.COTERIE, "bench", "--plan", *shape, *BF16, timeout=120)
        self.assertEqual(json.loads(plan.stdout.splitlines()[-1])["precision"], "bf16")
        self.assertTrue(re.search(r"bf16, kernel", plan.stdout))

    def test_the_run_says_who_makes_products(self):
        names = {"plain": "double", "fused": "fused multiply-add"}
        for maker, name in names.items():
            result = self.succeed(support.COTERIE, "train", *VOWELS, "--expert-hidden", 3, *BF16, "--epochs", 0,
                                  "--output", self.folder / maker, env={"COTERIE_BF16": maker})
            self.assertIn(f"products bf16, summed in float, by {name}", result.stdout)


if __name__ == "__main__":
    support.main(jobs=2)
