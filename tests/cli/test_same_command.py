# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""One command, or one folder more or less, makes no difference to a run that goes on."""
import os
import shutil

import h5py
import support


class SameCommand(support.TestCase):
    def test_micro_batch_larger_than_the_samples(self):
        run = self.folder / "run"
        command = ("train", "--micro-batch", 1000, "--epochs", 3, "--output", run, "--resume", "auto")
        for _ in range(2):
            self.succeed(support.COTERIE, *command)
        self.succeed(support.COTERIE, "train", "--micro-batch", 5000, "--epochs", 4, "--output", run,
                     "--resume", "auto")
        result = support.run(support.COTERIE, "train", "--micro-batch", 64, "--epochs", 5, "--output", run,
                             "--resume", "auto")
        self.assert_rc(result, 2, "--micro-batch is 64", "400")
        self.assert_one_line(result)


class AnotherFolder(support.TestCase):
    """Relative paths are found again from where the run lies, or the message says what is missing."""

    def setUp(self):
        super().setUp()
        self.home = self.folder / "home"
        self.home.mkdir()
        for name in ("d", "v"):
            rows = "".join(f"{i},{i * i % 7}.5\n" for i in range(50 if name == "d" else 20))
            (self.home / f"{name}.csv").write_text("x,y\n" + rows)
        self.succeed(support.COTERIE, "train", "--data", "d.csv", "--valid", "v.csv", "--epochs", 3, "--output",
                     "runs/one", cwd=self.home)

    def go_on(self, run, *options, epochs=6, rc=0):
        """Continues in the folder above the one in which the run was begun."""
        result = support.run(support.COTERIE, "train", "--output", run, "--resume", "auto", "--epochs", epochs,
                             *options, cwd=self.folder)
        self.assert_rc(result, rc)
        if rc == 0:
            with h5py.File(self.folder / run / "checkpoints/latest") as file:
                self.assertEqual(file["progress"].attrs["epoch"], epochs)
        return result

    def test_found_where_the_run_was_begun(self):
        result = self.go_on("home/runs/one")
        self.assertIn(os.path.join("home", "d.csv"), result.stdout)
        # And once more as it was begun.
        self.succeed(support.COTERIE, "train", "--output", "runs/one", "--resume", "auto", "--epochs", 7,
                     "--data", "d.csv", "--valid", "v.csv", cwd=self.home)

    def test_the_run_is_elsewhere(self):
        shutil.move(self.home / "runs/one", self.folder / "moved")
        self.go_on("moved")

    def test_all_is_elsewhere(self):
        self.home.rename(self.folder / "new home")
        self.go_on("new home/runs/one")

    def test_a_folder_that_is_no_text(self):
        """Its name is not written into config.yaml, which stays readable."""
        for name in (b"\xff", b"two\nlines", "next\x85line".encode(), "a\u2028b".encode()):
            strange = self.home / os.fsdecode(name)
            strange.mkdir()
            shutil.copy(self.home / "d.csv", strange)
            self.succeed(support.COTERIE, "train", "--data", "d.csv", "--epochs", 1, "--output", "run",
                         cwd=strange)
            self.succeed(support.COTERIE, "train", "--config", "run/config.yaml", "--dry-run", "--output", "new",
                         cwd=strange)

    def test_not_found(self):
        shutil.move(self.home / "runs/one", self.folder / "moved")
        (self.home / "d.csv").rename(self.home / "e.csv")
        before = sorted((self.folder / "moved").rglob("*.h5"))
        result = self.go_on("moved", rc=2)
        self.assert_rc(result, 2, "there is no d.csv", f"begun with --data d.csv in {self.home.resolve()}; start",
                       "--data")
        self.assert_one_line(result)
        self.assertEqual(before, sorted((self.folder / "moved").rglob("*.h5")))
        self.go_on("moved", "--data", self.home / "e.csv")

    def test_other_samples_of_that_name(self):
        (self.folder / "d.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
        self.assert_rc(self.go_on("home/runs/one", "--data", "d.csv", rc=2), 2, "d.csv", "not the data")
        # What is not said is the file that it was.
        self.go_on("home/runs/one")


if __name__ == "__main__":
    support.main()
