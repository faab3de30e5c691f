# SPDX-License-Identifier: BSD-3-Clause
"""Every example of examples/ as a newcomer runs it, and that its README says the same commands."""
import os
import pathlib
import re

import support

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/run"))


def commands(text):
    """The indented lines of a README, which are commands to type; not what stands between fences."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [line.strip() for line in text.splitlines() if re.match(r" {4}\S", line)]


def as_one_line(script):
    """A script without the words of its own, lines that go on joined, single blanks."""
    joined = re.sub(r"\\\n\s*", "", script)
    return re.sub(r"[ \t]+", " ", re.sub(r"^show ", "", joined, flags=re.MULTILINE))


class Examples(support.TestCase):
    def test_there_are_some(self):
        self.assertEqual([name[:2] for name in NAMES if name[0].isdigit()],
                         ["01", "02", "03", "04", "05", "06", "07", "08"])
        index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
        for name in NAMES:
            self.assertIn(f"({name}/README.md)", index)

    def test_readme_and_script_say_the_same(self):
        for name in NAMES:
            script = as_one_line((EXAMPLES / name / "run").read_text(encoding="utf-8"))
            found = commands((EXAMPLES / name / "README.md").read_text(encoding="utf-8"))
            self.assertGreater(len(found), 1, name)
            for command in found:
                if not command.startswith(("export ", "mkdir ")):  # of common.sh
                    with self.subTest(example=name, command=command):
                        self.assertIn(command, script)

    def test_a_folder_with_something_in_it(self):
        (self.folder / "kept").write_text("mine", encoding="utf-8")
        result = support.run(EXAMPLES / NAMES[0] / "run", self.folder)
        self.assert_rc(result, 2, "not empty")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["kept"])


def make_test(name):
    def test(self):
        path = os.pathsep.join([str(pathlib.Path(support.COTERIE).resolve().parent),
                                str(pathlib.Path(support.MPIRUN).resolve().parent), os.environ["PATH"]])
        result = self.succeed(EXAMPLES / name / "run", self.folder / "try", env={"PATH": path})
        self.assertIn("as expected: ", result.stdout)
        for line in result.stdout.splitlines():
            if line.startswith("left out: "):
                print(f"{name}: {line}")
    return test


for example in NAMES:
    setattr(Examples, "test_run_" + example.replace("-", "_"), make_test(example))


if __name__ == "__main__":
    support.main()
