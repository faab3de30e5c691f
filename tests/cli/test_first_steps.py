# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""What new users ran into: each of these once went wrong."""
import os
import pty
import re

import support


class FirstSteps(support.TestCase):
    def csv(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def test_names_with_commas_are_found_again(self):
        rows = "".join(f"{i},{i % 7},{2 * i}\n" for i in range(40))
        data = self.csv("d.csv", '"length, in mm","the ""best""",y\n' + rows)
        run = self.folder / "run"
        self.assert_rc(support.run(support.COTERIE, "train", "--data", data, "--epochs", 2, "--valid",
                                   data, "--output", run), 0)
        result = support.run(support.COTERIE, "predict", run, "--data", data, "--output",
                             self.folder / "p.csv")
        self.assert_rc(result, 0)

    def test_resume_auto_wants_a_directory(self):
        result = support.run(support.COTERIE, "train", "--resume", "auto", cwd=self.folder)
        self.assert_rc(result, 2)
        self.assertIn("--output", result.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_runs_of_one_second_have_directories_of_their_own(self):
        for _ in range(3):
            self.assert_rc(support.run(support.COTERIE, "train", "--epochs", 1, cwd=self.folder), 0)
        runs = [path for path in (self.folder / "runs").iterdir() if path.name != "latest"]
        self.assertEqual(len(runs), 3)

    def test_without_mpirun_no_daemon_and_no_files_of_one(self):
        """Several at once, which would be in each other's way."""
        place = {"TMPDIR": self.folder, "OMPI_MCA_orte_tmpdir_base": None}
        for _ in range(3):
            for process in [support.start(support.COTERIE, "train", "--epochs", 1, "--output",
                                          f"/dev/null/{i}", env=place) for i in range(6)]:
                self.assert_one_line(support.finish(process))
                self.assertEqual(list(self.folder.rglob("*")), [])

    def test_underscores_on_the_command_line(self):
        result = support.run(support.COTERIE, "train", "--learning_rate", 1)
        self.assert_rc(result, 2)
        self.assertIn("did you mean --learning-rate?", result.stderr)

    def test_the_best_model_cannot_be_trained_further(self):
        run = self.folder / "run"
        self.assert_rc(support.run(support.COTERIE, "train", "--epochs", 700, "--learning-rate", 0.05,
                                   "--output", run), 0)
        self.assertNotEqual(os.readlink(run / "checkpoints/best"),
                            os.readlink(run / "checkpoints/latest"))
        result = support.run(support.COTERIE, "train", "--resume", run / "checkpoints/best", "--epochs",
                             800, "--output", self.folder / "more")
        self.assert_rc(result, 2)
        self.assertIn("--init", result.stderr)

    def test_mini_batches_are_not_advised_to_those_who_have_them(self):
        for more, is_said in (((), True), (("--batch-size", 64), False)):
            result = support.run(support.COTERIE, "train", "--epochs", 5, *more, "--output",
                                 self.folder / f"run{is_said}")
            self.assert_rc(result, 0, "the validation error was still falling")
            self.assertEqual("--batch-size 64" in result.stdout, is_said, str(result))

    def test_whole_numbers_may_be_classes(self):
        data = self.csv("d.csv", "a,y\n" + "".join(f"{i},{i % 3}\n" for i in range(30)))
        plan = support.run(support.COTERIE, "train", "--data", data, "--dry-run")
        self.assertIn("--task classification", plan.stdout)
        plan = support.run(support.COTERIE, "train", "--data", data, "--dry-run", "--task", "regression")
        self.assertNotIn("--task classification", plan.stdout)

    def test_a_learning_rate_that_is_too_large(self):
        for rate, is_said in ((100, True), (0.01, False)):
            result = support.run(support.COTERIE, "train", "--learning-rate", rate, "--epochs", 20,
                                 "--output", self.folder / str(rate))
            self.assert_rc(result, 0)
            self.assertEqual("a smaller --learning-rate" in result.stdout, is_said, str(result))

    def test_one_word_makes_classes_of_numbers(self):
        """A single NA once made 596 classes of 600 samples."""
        numbers = "".join(f"{i},{i}.5\n" for i in range(30))
        for text, more, rc, warning in ((numbers + "30,n.b\n", (), 2, "line 32, column 'y': 'n.b' is not"),
                                        (numbers + "30,NA\n", ("--missing", "refuse"), 2,
                                         "line 32, column 'y': the value is m"),
                                        ("1,3\n2,4\n" * 9 + "30,n.b\n", (), 2, "--task classification"),
                                        (numbers + "30,n.b\n", ("--task", "classification"), 0, ""),
                                        ("".join(f"{i},{'xyz'[i % 3]}\n" for i in range(30)), (), 0, "")):
            plan = support.run(support.COTERIE, "train", "--data", self.csv("d.csv", "a,y\n" + text),
                               "--dry-run", *more)
            self.assert_rc(plan, rc)
            self.assertIn(warning, plan.stderr)
            self.assertEqual(plan.stderr.count("\n"), 1 if warning else 0, plan.stderr)

    def test_groups_that_are_held_out_are_counted(self):
        """Groups of 1, 2, 4 ... samples: the sum tells how many they are."""
        rows = "".join(f"{i},{i % 5},s{g}\n" for g in range(7) for i in range(2 ** g))
        data = self.csv("d.csv", "a,y,speaker\n" + rows)
        for share, n in ((0.4, 3), (0.2, 1)):
            plan = support.run(support.COTERIE, "train", "--data", data, "--dry-run", "--group",
                               "speaker", "--targets", "y", "--valid", share).stdout
            found = re.search(r", (\d+) for validation \((\d+) of 7 groups, held out whole\)", plan)
            self.assertTrue(found, plan)
            self.assertEqual((int(found[2]), bin(int(found[1])).count("1")), (n, n))

    def test_the_bar_fits_the_terminal(self):
        """On a pseudo-terminal of 60 columns no line may wrap, nor with mpirun in between, and the bar
        may not push out what is said."""
        for launcher in ((), (support.MPIRUN, *support.MPIRUN_OPTIONS, "-n", "2")):
            with self.subTest(launcher=launcher):
                bars = self.bars_on_a_terminal([*launcher, support.COTERIE, "train", "--epochs",
                                                "3000" if launcher else "30000", "--output",
                                                str(self.folder / f"run{len(launcher)}")])
                self.assertGreater(len(bars), 0)
                for bar in bars:
                    self.assertLess(len(bar.rstrip()), 60)
                    self.assertIn(b"  valid ", bar)

    def bars_on_a_terminal(self, command):
        """What a program shows of its progress on a terminal of 60 columns."""
        master, slave = pty.openpty()
        import fcntl
        import struct
        import termios
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        process = os.fork()
        if process == 0:
            os.dup2(slave, 2)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.execvp(command[0], command)
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            text += part
        self.assertEqual(os.waitpid(process, 0)[1], 0)
        return [bar for bar in re.split(rb"\r\x1b\[K", text) if b" left  " in bar]


if __name__ == "__main__":
    support.main()
