# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""The command line and the YAML file: messages, suggestions, precedence, help."""
import support

COMMANDS = ("train", "evaluate", "summary", "predict", "inspect", "convert", "export", "doctor")
OPTIONS = {
    "train": "data inputs targets group weight valid task scale experts expert-hidden gate gate-inputs "
             "expert-inputs gate-hidden activation expert-output error likelihood variance optimizer learning-rate momentum "
             "batch-size forgetting epochs stop-error patience clip weight-decay schedule seed starts init "
             "time-limit root-experts micro-batch config output resume checkpoint-every keep "
             "metrics-every quiet progress dry-run replicas stream top-k balance-weight entropy-weight anneal "
             "split prune merge split-spread placement "
             "profile on-nan hang-timeout read help",
    "evaluate": "data inputs targets group weight json micro-batch read quiet help",
    "summary": "data inputs targets group weight part robust level bootstrap test-experts seed json quiet help",
    "predict": "data inputs targets output micro-batch read quiet help",
    "inspect": "verify help",
    "convert": "inputs targets group weight help",
    "export": "help",
    "doctor": "output help",
}

# Arguments, and what the one line of the message must say.
WRONG_USAGE = (
    ("", "no command"),
    ("trian", "did you mean train?"),
    ("--verison", "did you mean --version?"),
    ("--data x.csv", "must follow a command"),
    ("train --epoch-s 3", "unknown option --epoch-s; did you mean --epochs?"),
    ("train --out run", "unknown option --out; did you mean --output?"),
    ("train --lr 0.1", "unknown option --lr; did you mean --learning-rate?"),
    ("train --epoch 3", "did you mean --epochs?"),
    ("train --expert-hiden 3", "did you mean --expert-hidden?"),
    ("train -experts 3", "two dashes"),
    ("train --zzzzzzzz", "`coterie train --help`"),
    ("train --epochs", "--epochs needs a value"),
    ("train --data --quiet", "--data needs a value, but --quiet follows"),
    ("train --data=", "--data needs a value"),
    ("train --quiet=1", "--quiet takes no value"),
    ("train --json", "--json is an option of `evaluate`, `summary`, `inspect`, `compare` and `bench`, not of `train`"),
    ("predict c --epochs 3", "--epochs is an option of `train` and `sweep`, not of `predict`"),
    ("train data.csv", "unexpected word data.csv; usage: coterie train"),
    ("predict", "needs CHECKPOINT; usage: coterie predict CHECKPOINT"),
    ("predict c --data d.csv", "needs --output"),
    ("predict c --output p.csv", "needs --data"),
    ("convert a.csv", "needs OUT"),
    ("export run", "needs OUT; usage: coterie export CHECKPOINT OUT"),
    ("inspect", "needs PATH"),
    ("inspect a b", "unexpected word b"),
    ("train --experts 0", "--experts must be 1 or more, not 0"),
    ("train --experts 4.5", "--experts must be a whole number, not 4.5"),
    ("train --experts 99999999999999999999", "2147483647 or less"),
    ("train --root-experts some", "auto or a whole number"),
    ("train --learning-rate 0", "--learning-rate must be greater than 0, not 0"),
    ("train --learning-rate nan", "must be a number, not nan"),
    ("train --learning-rate 1e999", "must be a number"),
    ("train --learning-rate 0.1x", "must be a number, not 0.1x"),
    ("train --momentum 1", "0 or more and less than 1"),
    ("train --clip -1", "0 or more, not -1"),
    ("train --error mix", "cooperative, competitive or mixture, not mix"),
    ("train --expert-hidden 32,,3", "widths of 1 or more"),
    ("train --expert-hidden 1,2,3,4,5,6,7,8,9", "8 widths or fewer"),
    ("train --variance learned:0", "V greater than 0"),
    ("train --scale 0", "number other than 0"),
    ("train --schedule step:0:0.5", "N of 1 or more"),
    ("train --schedule exponential:2", "up to 1"),
    ("train --time-limit 1:30", "01:30:00"),
    ("train --checkpoint-every 5h", "minutes (10m)"),
    ("train --seed -1", "from 0 to 18446744073709551615"),
    ("train --config no-such.yaml", "no-such.yaml: the file of --config cannot be read"),
)

# Text of a YAML file, and what the message must say after the file's name.
WRONG_FILES = (
    ("experts: 0\n", ":1: experts must be 1 or more, not 0"),
    ("# first\n\nexpert_hiden: 3\n", ":3: unknown option expert_hiden; did you mean expert_hidden?"),
    ("experts: 1\nseed: 2\nexperts: 2\n", ":3: experts is given twice, first in line 1"),
    ("expert-hidden: 3\nexpert_hidden: 3\n", ":2: expert_hidden is given twice"),
    ("experts:\n  a: 1\n", ":2: experts must be a value or a list of values, not another map"),
    ("expert_hidden: [[1], 2]\n", ":1: a list may hold plain values only"),
    ("seed: 1\nexperts: [1\nb: 2\n", ":3: not valid YAML"),
    ("- experts\n", ":1: expected one `option: value` a line"),
    ("hello\n", ":1: expected one `option: value` a line"),
    ("quiet: yes\n", ":1: quiet must be true or false, not yes"),
    ("experts: ''\n", ":1: experts needs a value"),
    ("json: true\n", ":1: json is an option of `evaluate`, `summary`, `inspect`, `compare` and `bench`, not of `train`"),
    ("config: other.yaml\n", ":1: config can be given on the command line only"),
    ("seed: 1\n---\nseed: 2\n", "a second document"),
    ("seed: \x01\n", ": not a text file in UTF-8"),
)


def read_flat(path):
    """A flat YAML map as the program writes it, without a YAML library."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(": ", 1) for line in lines if not line.startswith("#"))
    return {key: value.strip('"') for key, value in pairs}


class Help(support.TestCase):
    def test_every_option_of_every_command(self):
        for command in COMMANDS:
            result = self.succeed(support.COTERIE, command, "--help")
            self.assertEqual(result.stderr, "")
            self.assertTrue(result.stdout.startswith(f"Usage: coterie {command}"), result.stdout)
            for option in OPTIONS[command].split():
                self.assertRegex(result.stdout, rf"(?m)^  --{option}( |$)")
            self.assert_fits(result.stdout)

    def assert_fits(self, text):
        """On a terminal as most are."""
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)
            self.assertEqual(line, line.rstrip())

    def test_help_wins_over_everything_else(self):
        result = self.succeed(support.COTERIE, "train", "--experts", "0", "--help")
        self.assertIn("Usage: coterie train", result.stdout)

    def test_overview_and_version(self):
        overview = self.succeed(support.COTERIE, "--help").stdout
        self.assert_fits(overview)
        for command in COMMANDS:
            self.assertRegex(overview, rf"(?m)^  {command} ")
        for program, precision in ((support.COTERIE, "float"), (support.COTERIE_D, "double")):
            version = self.succeed(program, "--version").stdout
            for word in (precision, "MPI", "OpenBLAS", "kernel", "HDF5", "revision", "compiler"):
                self.assertIn(word, version)


class WrongUsage(support.TestCase):
    def assert_one_line(self, result, said):
        """Exit code 2, nothing on standard output, and one line on standard error."""
        self.assert_rc(result, 2, said)
        self.assertEqual(result.stdout, "", str(result))
        self.assertRegex(result.stderr, r"\Acoterie: error: [^\n]*\n\Z", str(result))

    def test_command_line(self):
        for arguments, said in WRONG_USAGE:
            with self.subTest(arguments):
                result = support.run(support.COTERIE, *arguments.split(" ") if arguments else (),
                                     cwd=self.folder)
                self.assert_one_line(result, said)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_config_file(self):
        path = self.folder / "run.yaml"
        for text, said in WRONG_FILES:
            with self.subTest(text):
                path.write_text(text, encoding="utf-8")
                result = support.run(support.COTERIE, "train", "--config", path)
                self.assert_one_line(result, f"{path}{said}" if said[0] == ":" else said)

    def test_several_ranks_say_it_once(self):
        result = support.run(support.COTERIE, "train", "--experts", "0", ranks=3)
        self.assertEqual(result.rc, 2, str(result))
        self.assertEqual(result.stderr.count("coterie: error: "), 1, str(result))


class Values(support.TestCase):
    def config_of(self, name, *arguments):
        """config.yaml of a run of no epochs with these options."""
        run = self.folder / name
        self.succeed(support.COTERIE, "train", "--epochs", 0, "--output", run, *arguments)
        return read_flat(run / "config.yaml")

    def test_command_line_before_file_before_default(self):
        path = self.folder / "run.yaml"
        path.write_text("# a comment\nexperts: 6\nexpert-hidden: [8, 4]\ninit: ~\nkeep: null\n"
                        "quiet: true\nlearning_rate: 0.25\n", encoding="utf-8")
        config = self.config_of("run", "--experts", 5, "--config", path, "--seed=7")
        said = {"experts": "5", "expert_hidden": "8,4", "quiet": "true", "learning_rate": "0.25",
                "seed": "7", "keep": "3", "optimizer": "adam", "init": "null"}
        self.assertEqual({key: config[key] for key in said}, said)

    def test_last_one_wins_and_any_order(self):
        config = self.config_of("run", "--seed", 1, "--experts", 2, "--seed", 3)
        self.assertEqual((config["seed"], config["experts"]), ("3", "2"))

    def test_record_reads_back_to_itself(self):
        first = self.config_of(
            "first", "--seed", 2**64 - 1, "--weight-decay", "0.30000000000000004",
            "--learning-rate", "1e-3", "--schedule", "step:10:0.1", "--time-limit", "01:00:30",
            "--checkpoint-every", "7s", "--variance", "learned:0.7", "--scale", "none",
            "--root-experts", 4, "--targets", "F3", "--gate-hidden", "3", "--clip", "1e20")
        self.assertEqual(first["seed"], str(2**64 - 1))
        self.assertEqual(first["weight_decay"], "0.30000000000000004")
        self.assertEqual(first["time_limit"], "3630")
        self.assertEqual(first["checkpoint_every"], "7s")
        second = self.config_of("second", "--config", self.folder / "first" / "config.yaml")
        differing = {key for key in first if first[key] != second.get(key)}
        self.assertEqual(differing, {"output"})
        self.assertEqual(list(first), list(second))


if __name__ == "__main__":
    support.main()
