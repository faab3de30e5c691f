# SPDX-License-Identifier: BSD-3-Clause
"""Which Python, and which coterie. Imports nothing that may be missing."""
import importlib.util
import os
import pathlib
import shutil
import sys

CLONE = pathlib.Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = {"h5py": "python3-h5py", "numpy": "python3-numpy", "matplotlib": "python3-matplotlib",
            "sklearn": "python3-sklearn"}


def stop(message, code=2):
    """Ends the program with one line on stderr."""
    print(f"{pathlib.Path(sys.argv[0]).name}: error: {message}", file=sys.stderr)
    sys.exit(code)


def require(*modules):
    """Makes sure that modules can be imported. The first python3 on the PATH may be a private build
    that has none of them: then the system's Python starts over."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if not missing:
        return
    if os.path.exists(SYSTEM_PYTHON) and \
            os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
    packages = " ".join(PACKAGES.get(name, name) for name in missing)
    stop(f"{sys.executable} has no {' and no '.join(missing)}; on Debian: apt-get install "
         f"{packages}")


def find_coterie(name="coterie"):
    """$COTERIE (or $COTERIE_D), the build in this clone, or the one on the PATH."""
    for path in (os.environ.get(name.upper()), CLONE / "build" / name, shutil.which(name)):
        if path and os.access(path, os.X_OK):
            return str(pathlib.Path(path).resolve())
    return stop(f"there is no program {name}: build it (scripts/build) or name it in the variable "
                f"{name.upper()}")
