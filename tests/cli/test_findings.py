# SPDX-License-Identifier: BSD-3-Clause
"""The scripts of findings/ have heads and a row in their table. test_findings_recorded.py runs them."""
import os
import pathlib
import re

import support

FINDINGS = pathlib.Path(__file__).resolve().parents[2] / "findings"
SCRIPTS = sorted(path for path in FINDINGS.glob("*.sh") if path.name != "lib.sh")


class Findings(support.TestCase):
    def test_each_says_what_it_is(self):
        listed = re.findall(r"^\| \[(\S+)\]\((\S+)\) \|", (FINDINGS / "README.md").read_text(encoding="utf-8"),
                            re.MULTILINE)
        self.assertEqual(sorted(name for _, name in listed), [path.name for path in SCRIPTS])
        self.assertTrue(all(f"{label}.sh" == name for label, name in listed))
        for path in SCRIPTS:
            text = path.read_text(encoding="utf-8")
            self.assertTrue(os.access(path, os.X_OK), path)
            for word in ("# Guess: ", "# Seen:  ", "# So:    ", "\nneed "):
                self.assertIn(word, text, path)
            self.assertNotIn("coterie", text.lower(), path)

    def test_a_package_that_is_not_there(self):
        script = self.folder / "finding.sh"
        script.write_text(f'. "{FINDINGS}/lib.sh"\nneed no-such-package=1.0\n', encoding="utf-8")
        self.assert_rc(support.run("bash", script, env={"FINDINGS_FETCH": "never"}), 77, "no-such-package=1.0")


if __name__ == "__main__":
    support.main()
