# SPDX-License-Identifier: BSD-3-Clause
# labels: long
"""What other software does, as findings/ records it: each script runs, where its packages are installed."""
import pathlib

import support

FINDINGS = pathlib.Path(__file__).resolve().parents[2] / "findings"
SCRIPTS = sorted(path for path in FINDINGS.glob("*.sh") if path.name != "lib.sh")


class Recorded(support.TestCase):
    def test_each_is_as_recorded(self):
        for path in SCRIPTS:
            with self.subTest(finding=path.name):
                result = support.run(path, env={"FINDINGS_FETCH": "never"})
                self.assert_rc(result, (0, 77))
                if result.rc == 77:
                    print(f"left out: {path.name}: {result.stderr.splitlines()[-1]}")
                else:
                    self.assertEqual(result.stdout.splitlines()[-1], "as recorded")


if __name__ == "__main__":
    support.main()
