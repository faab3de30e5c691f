# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""The helpers in support.py must see what they are there to see."""
import os
import signal

import h5py
import numpy
import support


def write_file(path, **change):
    content = {"weight": numpy.arange(6.0).reshape(2, 3), "created": "now", "epoch": 3,
               "seconds": [1.0, 2.0], **change}
    with h5py.File(path, "w") as file:
        file.attrs["created"] = content["created"]
        file["gate/layer0/weight"] = content["weight"]
        file.create_group("progress").attrs["epoch"] = content["epoch"]
        file["history/seconds"] = content["seconds"]
        if "extra" in content:
            file["extra"] = content["extra"]


class Difference(support.TestCase):
    def difference(self, **change):
        write_file(self.folder / "a.h5")
        write_file(self.folder / "b.h5", **change)
        return support.first_difference(self.folder / "a.h5", self.folder / "b.h5")

    def test_time_may_differ(self):
        self.assertIsNone(self.difference(created="later", seconds=[3.0, 4.0]))

    def test_one_bit(self):
        weight = numpy.arange(6.0).reshape(2, 3)
        weight[1, 2] = numpy.nextafter(5.0, 6.0)
        self.assertIn("/gate/layer0/weight[1, 2]", self.difference(weight=weight))
        weight[1, 2], weight[0, 0] = 5.0, -0.0
        self.assertIn("/gate/layer0/weight[0, 0]", self.difference(weight=weight))

    def test_type_and_shape(self):
        self.assertIn("float32", self.difference(weight=numpy.zeros((2, 3), "f4")))
        self.assertIn("(3, 2)", self.difference(weight=numpy.zeros((3, 2))))

    def test_attribute_and_missing_part(self):
        self.assertIn("/progress@epoch", self.difference(epoch=4))
        self.assertIn("/extra is only in", self.difference(extra=1))

    def test_text(self):
        write_file(self.folder / "a.h5", extra=["one", "two"])
        write_file(self.folder / "b.h5", extra=["one", "two"])
        write_file(self.folder / "c.h5", extra=["one", "three"])
        self.assert_same_checkpoint(self.folder / "a.h5", self.folder / "b.h5")
        self.assertIn("/extra[1]", support.first_difference(self.folder / "a.h5",
                                                            self.folder / "c.h5"))


def _place_in_a_child(_):
    return support.place_for_session()


def _die_or_double(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 4:
        os._exit(0)
    return 2 * number


class Running(support.TestCase):
    def test_outcome(self):
        rc, stdout, stderr = support.run("sh", "-c", "echo $NAME; echo bad >&2; exit 3",
                                         env={"NAME": "good"})
        self.assertEqual((rc, stdout, stderr), (3, "good\n", "bad\n"))

    def test_hung_program_is_a_failure(self):
        with self.assertRaisesRegex(AssertionError, "still running"):
            support.run("sh", "-c", "sleep 60 & wait", timeout=0.2)

    def test_waiting_for_one_that_has_ended(self):
        process = support.start("sh", "-c", "echo no disk >&2; exit 3")
        with self.assertRaisesRegex(AssertionError, "(?s)ended with 3.*no disk"):
            support.wait_for(lambda: False, process)

    def test_a_process_that_dies(self):
        """Its test has failed; the others go on, at most so many at once."""
        found = dict(support.in_processes(_die_or_double, range(5), 2))
        self.assertEqual(found, {0: 0, 1: 2, 2: None, 3: 6, 4: None})

    def test_a_session_each_in_tests_that_are_forked(self):
        """The mpirun that ends removes its folder, also when another is about to write to it."""
        places = [place for _, place in support.in_processes(_place_in_a_child, range(6), 3)]
        self.assertEqual(len({*places, support.place_for_session()}), 7)

    def test_ranks(self):
        result = self.succeed("sh", "-c", f"echo rank ${support.RANK_VARIABLE}", ranks=2)
        self.assertEqual(sorted(result.stdout.split("\n"))[1:], ["rank 0", "rank 1"])

    def test_processes_of_ranks(self):
        process = support.start("sleep", 60, ranks=2)
        try:
            pids = support.wait_for(lambda: len(found := support.rank_processes(process)) == 2
                                    and found, process)
            self.assertEqual(sorted(pids), [0, 1])
        finally:
            support.send_signal(process, support.signal.SIGTERM)
            support.finish(process)

    def test_one_line_of_error(self):
        block = "-" * 60 + "\nmpirun has noticed\n" + "-" * 60 + "\n"
        for stderr, good in (("coterie: error: bad\n" + block, True), ("", False), (block, False),
                             ("coterie: error: bad\nmore\n", False), ("Traceback\n", False)):
            result = support.Result(["coterie"], 2, "", stderr)
            if good:
                self.assertEqual(self.assert_one_line(result), "coterie: error: bad")
            else:
                self.assertRaises(AssertionError, self.assert_one_line, result)


if __name__ == "__main__":
    support.main()
