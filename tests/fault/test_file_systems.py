# SPDX-License-Identifier: BSD-3-Clause
# labels: fault
# timeout: 400
"""File systems that lack something: symbolic links, locks, syncing of folders, replacing."""
import errno
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness
import support

SHIM = os.environ.get("NO_SUCH_CALL", "")
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ


def warnings(result):
    return [line for line in support.own_lines(result.stderr) if "warning:" in line]


def without(**errors):
    """An environment in which these calls fail with these errors."""
    return {"LD_PRELOAD": SHIM,
            "COTERIE_TEST_WITHOUT": ",".join(f"{call}:{error}" for call, error in errors.items())}


class FileSystems(harness.FaultTest):
    def assert_one_warning(self, result, *words):
        found = warnings(result)
        self.assertEqual(len(found), 1, str(result))
        for word in words:
            self.assertIn(word, found[0])

    def assert_pointers_are_texts(self, run):
        folder = harness.checkpoints(run)
        for name in ("latest", "best"):
            self.assertFalse((folder / name).is_symlink())
            text = (folder / name).read_text(encoding="utf-8")
            self.assertTrue(text.endswith(".h5\n") and (folder / text.strip()).exists(), text)
        newest = harness.generations(run)[-1].name
        self.assertEqual((folder / "latest").read_text(encoding="utf-8"), newest + "\n")

    def best_of(self, run):
        folder = harness.checkpoints(run)
        path = folder / "best"
        return path if path.is_symlink() else folder / path.read_text(encoding="utf-8").strip()

    def assert_all_read(self, run):
        """All commands that are given a run, a pointer or a checkpoint."""
        folder, out = harness.checkpoints(run), self.folder / "predictions.csv"
        for path in (run, folder, folder / "best", folder / "latest"):
            out.unlink(missing_ok=True)
            self.assert_rc(self.shop.run("evaluate", path, "--data", self.shop.data), 0)
            self.assert_rc(self.shop.run("predict", path, "--data", self.shop.data,
                                         "--output", out), 0)
        for path in (run, folder / "best", folder / "latest"):
            self.assert_rc(self.shop.run("inspect", path, "--verify"), 0)
        shutil.rmtree(self.folder / "other", ignore_errors=True)
        for option in ("--init", "--resume"):
            extra = (option, folder / "latest")
            self.assert_rc(self.shop.run(*self.shop.options("other", 25, "0", extra)), 0)
            shutil.rmtree(self.folder / "other")


@unittest.skipIf(SANITIZED or not SHIM, "the sanitizer must come first")
class Shimmed(FileSystems):
    def test_no_links(self):
        self.assert_rc(self.shop.train("straight", "--keep", 2, epochs=20), 0)
        straight = self.folder / "straight"
        for error in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            with self.subTest(error=errno.errorcode[error]):
                self.shop.clear("run")
                env = without(symlink=error)
                result = self.shop.train("run", "--keep", 2, epochs=12, env=env)
                self.assert_rc(result, 0)
                self.assert_one_warning(result, "symbolic links")
                self.assert_pointers_are_texts(self.run_directory)
                if error != errno.EPERM:  # it goes on in the same way after each of them
                    continue
                result = self.shop.train("run", "--keep", 2, "--resume", "auto", epochs=20,
                                         ranks=2, env=env)
                self.assert_rc(result, 0)
                self.assert_pointers_are_texts(self.run_directory)
                self.assertEqual([path.name for path in harness.generations(self.run_directory)],
                                 [path.name for path in harness.generations(straight)])
                self.assert_same_checkpoint(self.best_of(straight),
                                            self.best_of(self.run_directory))
                self.assertEqual(harness.left_over(self.run_directory), [])
                self.assert_all_read(self.run_directory)

    def test_links_again(self):
        """A run that is moved to a file system with links goes on there, and the other way."""
        kinds = ({}, without(symlink=errno.EPERM), {}, without(symlink=errno.EPERM))
        for i, env in enumerate(kinds):
            result = self.shop.train("run", "--resume", "auto", epochs=5 * (i + 1), env=env)
            self.assert_rc(result, 0)
            self.assertEqual(harness.latest(self.run_directory).is_symlink(), not env)
        self.assert_same_checkpoint(self.straight(epochs=20),
                                    harness.generations(self.run_directory)[-1])

    def test_no_links_and_a_full_disk(self):
        """What fails for another reason says that reason."""
        result = self.shop.train("run", env=without(symlink=errno.EPERM),
                                 fault="link:0:*:fail")
        self.assert_rc(result, 1, "link")

    def test_no_replacing(self):
        """A file that takes the place of another needs two steps: same bits, said once."""
        straight = self.straight(epochs=20)
        for error in (errno.EEXIST, errno.EACCES):
            with self.subTest(error=errno.errorcode[error]):
                self.shop.clear("run")
                for epochs in (10, 20):
                    result = self.shop.train("run", "--resume", "auto", epochs=epochs,
                                             env=without(replace=error))
                    self.assert_rc(result, 0)
                    self.assert_one_warning(result, "take the place of another")
                self.assert_same_checkpoint(straight,
                                            harness.generations(self.run_directory)[-1])
                self.assertTrue(harness.latest(self.run_directory).exists())
                self.assertEqual(list(self.run_directory.rglob("*.old")), [])
                self.assertEqual(harness.left_over(self.run_directory), [])

    def test_no_locks(self):
        for error in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL):
            for calls in (("fcntl", "flock"), ("fcntl",), ("flock",)):
                with self.subTest(error=errno.errorcode[error], calls=calls):
                    self.shop.clear("run")
                    env = without(**{call: error for call in calls})
                    result = self.shop.train("run", "--keep", 2, epochs=8, env=env)
                    self.assert_rc(result, 0)
                    if "fcntl" in calls:
                        self.assert_one_warning(result, "cannot be locked", os.strerror(error))
                    else:
                        self.assertEqual(warnings(result), [])
                    self.assertEqual(harness.error_lines(result), [])
                    result = self.shop.train("run", "--keep", 2, "--resume", "auto", epochs=10,
                                             env=env)
                    self.assert_rc(result, 0)
                    self.assertEqual(len(harness.generations(self.run_directory)), 2)
        self.assert_rc(self.shop.run("evaluate", self.run_directory, "--data", self.shop.data,
                                     env=env), 0)

    def test_a_lock_that_is_held(self):
        """Of these errors none is taken for another run, nor another run for one of them."""
        first = self.shop.start(*self.shop.options("run", 10 ** 7))
        self.addCleanup(support.send_signal, first, support.signal.SIGKILL)
        support.wait_for(lambda: harness.latest(self.run_directory).exists(), first)
        result = self.shop.train("run", "--resume", "auto", env=without(flock=errno.ENOSYS))
        self.assert_rc(result, 2, "in use by another run", f"process {first.pid}")

    def test_doctor(self):
        """What is missing has a line each, also where several things are."""
        for missing in ({"symlink": (errno.EPERM, "no symbolic links"),
                         "fcntl": (errno.ENOLCK, "has no locks"),
                         "fsync_folder": (errno.EINVAL, "folders cannot be synced")},
                        {"flock": (errno.ENOSYS, "flock does not work"),
                         "replace": (errno.EEXIST, "take the place of another")}):
            calls = {call: error for call, (error, _) in missing.items()}
            result = self.shop.run("doctor", "--output", self.folder, env=without(**calls))
            for call, (error, words) in missing.items():
                with self.subTest(call=call):
                    line = [line for line in result.stdout.splitlines() if words in line]
                    self.assertEqual(len(line), 1, str(result))
                    self.assertIn(os.strerror(error), line[0])
        self.assertEqual(list(self.folder.glob(".coterie-doctor*")), [])


def synced_order(path):
    """What no_such_call noted: (call, size and time of the last change, path, new path)."""
    for line in path.read_text(encoding="utf-8").splitlines():
        call, size, changed, name, to = line.split("\t")
        folder, own = os.path.split(name)
        yield call, (size, changed), f"{os.path.realpath(folder)}/{own}", to


@unittest.skipIf(SANITIZED or not SHIM, "the sanitizer must come first")
class LossOfPower(harness.FaultTest):
    """Nothing gets its name, or gives way to another, before it is on the disk."""

    def assert_order(self, made, *command, **how):
        """Runs a command. `made`: patterns of names; a file of each must be among those made."""
        path = self.folder / "order"
        path.unlink(missing_ok=True)
        env = {"LD_PRELOAD": SHIM, "COTERIE_TEST_SYNCS": path}
        result = self.shop.run(*command, env=env, **how)
        self.assert_rc(result, 0)
        synced, unsynced, named = {}, set(), []
        for call, state, name, to in synced_order(path):
            if call == "fsync":
                synced[name] = state
                unsynced.discard(name)  # a folder
            elif call in ("rename", "link"):
                new = os.path.basename(to)
                # Not symbolic links, which are nothing but a name, and names for a moment.
                if new not in ("latest", "best") and not new.endswith((".tmp", ".old")):
                    self.assertEqual(synced.get(name), state, f"{name} as it was named {to}")
                named.append(new)
                unsynced.add(os.path.dirname(name))
            elif name.endswith(".h5"):  # unlink: of an older generation
                self.assertNotIn(os.path.dirname(name), unsynced, f"{name} removed")
        self.assertEqual(unsynced, set(), "folders that were not synced")
        for pattern in made:
            self.assertTrue(any(re.fullmatch(pattern, name) for name in named),
                            f"{pattern}: {named}")

    def test_a_run_with_all_its_files(self):
        keep = ("--keep", 1)
        self.assert_order((r"step-\d+\.h5", "config.yaml", "latest", "best"),
                          *self.shop.options("run", 12, extra=keep))
        self.assert_order((r"step-\d+\.h5", "latest"),
                          *self.shop.options("run", 16, extra=(*keep, "--resume", "auto")), ranks=2)
        checkpoint = harness.latest(self.run_directory)
        for name in ("p.csv", "p.h5"):
            self.assert_order((re.escape(name),), "predict", checkpoint, "--data", self.shop.data,
                              "--output", self.folder / name)
        self.assert_order(("d.csv",), "convert", self.shop.data, self.folder / "d.csv")
        self.assert_order(("e.h5",), "convert", self.folder / "d.csv", self.folder / "e.h5")
        for name in ("m.c", "m.npz"):
            self.assert_order((re.escape(name),), "export", checkpoint, self.folder / name)


def mount_vfat(folder):
    """An image with vfat, mounted at folder/disk; a reason why not, or None."""
    image, disk = folder / "image", folder / "disk"
    if not harness.have_root() or not shutil.which("mkfs.vfat", path="/usr/sbin:/sbin:" + os.environ["PATH"]):
        return "needs root and mkfs.vfat"
    with open(image, "wb") as file:
        file.truncate(64 << 20)
    disk.mkdir()
    for command in (["env", "PATH=/usr/sbin:/sbin", "mkfs.vfat", image], ["mount", "-o", "loop", image, disk]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"{command[0]}: {done.stderr}"
    return None


class Vfat(FileSystems):
    def test_train_resume_read(self):
        reason = mount_vfat(self.folder)
        if reason:
            self.skipTest(reason)
        self.addCleanup(subprocess.run, ["umount", self.folder / "disk"], check=False)
        result = self.shop.train("disk/run", "--keep", 2, epochs=12)
        self.assert_rc(result, 0)
        self.assert_one_warning(result, "symbolic links")
        run = self.folder / "disk" / "run"
        self.assert_rc(self.shop.train("disk/run", "--keep", 2, "--resume", "auto", ranks=2), 0)
        self.assert_pointers_are_texts(run)
        self.assert_same_checkpoint(self.straight(), pathlib.Path(harness.generations(run)[-1]))
        self.assert_all_read(run)


if __name__ == "__main__":
    support.main(jobs=2)
