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

    def test_found_above_the_run(self):
        result = self.succeed(support.COTERIE, "train", "--output", self.home / "runs/one", "--resume", "auto",
                              "--epochs", 6, cwd=self.folder)
        self.assertIn(os.path.join("home", "d.csv"), result.stdout)
        with h5py.File(self.home / "runs/one/checkpoints/latest") as file:
            self.assertEqual(file["progress"].attrs["epoch"], 6)
        # And once more as it was begun.
        self.succeed(support.COTERIE, "train", "--output", "runs/one", "--resume", "auto", "--epochs", 7,
                     "--data", "d.csv", "--valid", "v.csv", cwd=self.home)

    def test_not_found(self):
        shutil.move(self.home / "runs/one", self.folder / "moved")
        before = sorted((self.folder / "moved").rglob("*.h5"))
        result = support.run(support.COTERIE, "train", "--output", "moved", "--resume", "auto", "--epochs", 6,
                             cwd=self.folder)
        self.assert_rc(result, 2, "d.csv", "another folder", "--data")
        self.assert_one_line(result)
        self.assertEqual(before, sorted((self.folder / "moved").rglob("*.h5")))

    def test_other_samples_of_that_name(self):
        (self.folder / "d.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
        result = support.run(support.COTERIE, "train", "--output", self.home / "runs/one", "--resume", "auto",
                             "--epochs", 6, cwd=self.folder)
        self.assert_rc(result, 2, "d.csv", "not the data")


if __name__ == "__main__":
    support.main()
