# SPDX-License-Identifier: BSD-3-Clause
"""--resume: what cannot be gone on with is refused or skipped, in words, and nothing is harmed."""
import hashlib
import shutil

import h5py
import support

D = support.COTERIE_D
START = ("--experts", 3, "--epochs", 4, "--valid", 0.2, "--optimizer", "momentum",
         "--checkpoint-every", "1e", "--keep", 9, "--data", "data.csv", "--targets", "t",
         "--group", "g", "--weight", "w")
ROWS = [(a / 7, (a * a) % 11 / 5, (a * a) % 11 / 5 + a / 7, a % 6, 1 + a % 2) for a in range(40)]

# Each changes what the checkpoint was trained with.
CHANGES = (
    ("experts", 4), ("expert-hidden", 3), ("gate-hidden", 3), ("activation", "relu"),
    ("expert-output", "logistic"), ("error", "competitive"), ("variance", "learned"),
    ("optimizer", "adam"), ("momentum", 0.5), ("batch-size", 8), ("scale", "none"), ("seed", 2),
    ("starts", 2), ("valid", 0.3), ("targets", "x1"), ("inputs", "x0"), ("task", "classification"),
    ("likelihood", "bernoulli"), ("weight", "x1"), ("group", "x1"),
)


def write_csv(path, rows=ROWS):
    lines = ["x0,x1,t,g,w", *(",".join(map(repr, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Run(support.TestCase):
    def setUp(self):
        super().setUp()
        write_csv(self.folder / "data.csv")
        self.succeed(D, "train", *START, "--output", "run", cwd=self.folder)
        self.before = self.contents()

    def contents(self):
        """What must not change: everything but the log and the lock."""
        return {path.relative_to(self.folder): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted((self.folder / "run").rglob("*"))
                if path.is_file() and path.name not in ("log.txt", "lock", "config.yaml")}

    def refuse(self, *options, words=(), **how):
        result = support.run(D, "train", *options, cwd=self.folder, **how)
        self.assert_rc(result, 2, *words)
        self.assert_one_line(result)
        self.assertEqual(self.contents(), self.before)
        return result


class Refused(Run):
    def test_other_structure(self):
        for number, (name, value) in enumerate(CHANGES):
            with self.subTest(option=name):
                self.refuse("--output", "run", "--resume", "auto", "--epochs", 9, f"--{name}", value,
                            words=(f"--{name}", str(value), "with none" if name == "inputs" else "with"),
                            ranks=3 if number % 5 == 0 else None)

    def test_other_data(self):
        changed = [list(row) for row in ROWS]
        changed[17][0] += 1e-9
        for name, rows in (("a value", changed), ("a row less", ROWS[:-1]),
                           ("another order", [*ROWS[1:], ROWS[0]])):
            with self.subTest(name):
                write_csv(self.folder / "data.csv", rows)
                self.refuse("--output", "run", "--resume", "auto", "--epochs", 9,
                            words=("data.csv", "data"))
        write_csv(self.folder / "moved.csv")
        self.succeed(D, "train", "--output", "run", "--resume", "auto", "--epochs", 5, "--data",
                     "moved.csv", cwd=self.folder)

    def test_data_that_is_gone(self):
        (self.folder / "data.csv").unlink()
        self.refuse("--output", "run", "--resume", "auto", "--epochs", 9, words=("data.csv",))

    def test_a_directory_that_holds_a_run(self):
        for ranks in (None, 3):
            self.refuse(*START, "--output", "run", words=("run", "--resume auto"), ranks=ranks)
        self.refuse(*START, "--output", "run", "--resume", "no", words=("--resume auto",))

    def test_no_checkpoint(self):
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["x"] = [[1.0]]
        (self.folder / "empty").mkdir()
        (self.folder / "file").touch()
        for path in ("missing.h5", "data.csv", "other.h5", "empty", "file"):
            for ranks in (None, 3):
                with self.subTest(path=path, ranks=ranks):
                    self.refuse(*START, "--output", "new", "--resume", path, words=(path,),
                                ranks=ranks)
                    self.assertFalse((self.folder / "new").exists())

    def test_an_earlier_number_of_epochs(self):
        """Nothing to do is no error and changes nothing."""
        for epochs in (4, 2):
            for ranks in (None, 3):
                result = support.run(D, "train", "--output", "run", "--resume", "auto", "--epochs",
                                     epochs, cwd=self.folder, ranks=ranks)
                self.assert_rc(result, 0)
                self.assertEqual(self.contents(), self.before)

    def test_auto_in_an_empty_directory(self):
        for name in ("new", "deeper/new"):
            result = self.succeed(D, "train", *START, "--output", name, "--resume", "auto",
                                  cwd=self.folder, ranks=3)
            self.assertNotIn("skipping", result.stderr)
            for file in ("latest", "best"):
                self.assert_same_checkpoint(self.folder / "run/checkpoints" / file,
                                            self.folder / name / "checkpoints" / file)


class Damaged(Run):
    """The newest generation that verifies is taken; the same bits come of it in the end."""

    def resume(self, damage, skipped=1, ranks=None):
        folder = self.folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "run", folder, symlinks=True)
        newest = sorted((folder / "checkpoints").glob("step-*.h5"))[-skipped:]
        for path in newest:
            damage(path)
        result = support.run(D, "train", "--output", folder, "--resume", "auto", "--epochs", 6,
                             cwd=self.folder, ranks=ranks)
        self.assert_rc(result, 0, f"epoch {4 - skipped}")
        for path in newest:
            self.assertRegex(result.stderr, f"warning.*{path.name}")
        self.assert_same_checkpoint(folder / "checkpoints/latest",
                                    self.folder / "straight/checkpoints/latest")
        self.assert_same_metrics(folder, self.folder / "straight")

    def test_newest_is_skipped(self):
        self.succeed(D, "train", *START, "--epochs", 6, "--output", "straight", cwd=self.folder)
        size = (self.folder / "run/checkpoints/latest").stat().st_size
        with h5py.File(self.folder / "run/checkpoints/latest") as file:
            data_set = file["experts/layer0/weight"]
            offset = data_set.id.get_chunk_info(1).byte_offset

        def flip(at):
            def damage(path):
                content = bytearray(path.read_bytes())
                content[at] ^= 0x10
                path.write_bytes(content)
            return damage

        def change(path):
            """One number, with a Fletcher sum of HDF5 that is right."""
            with h5py.File(path, "r+") as file:
                file["gate/layer0/weight"][1, 0] += 1e-9

        def change_progress(path):
            with h5py.File(path, "r+") as file:
                file["progress"].attrs["step"] = 3

        def lose(path):
            with h5py.File(path, "r+") as file:
                del file["optimizer"]

        for name, damage in (
                ("first byte", flip(0)), ("a weight", flip(offset + 3)),
                ("changed number", change), ("changed progress", change_progress),
                ("no optimiser", lose),
                ("half", lambda path: path.write_bytes(path.read_bytes()[:size // 2])),
                ("a byte less", lambda path: path.write_bytes(path.read_bytes()[:-1])),
                ("nothing", lambda path: path.write_bytes(b""))):
            with self.subTest(name):
                self.resume(damage)
        self.resume(flip(offset), skipped=3, ranks=3)

    def test_all_are_damaged(self):
        for path in (self.folder / "run/checkpoints").glob("step-*.h5"):
            path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
        self.before = self.contents()
        result = support.run(D, "train", "--output", "run", "--resume", "auto", cwd=self.folder)
        self.assert_rc(result, 2)
        self.assertEqual(self.contents(), self.before)


if __name__ == "__main__":
    support.main()
