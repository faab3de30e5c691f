# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the examples' scripts share. Each `run` sources this file with its own arguments: it goes into
# the folder named there (new or empty; else a temporary one that goes at the end), and shows every
# command before it runs.
set -euo pipefail

EXAMPLES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export EXAMPLES

# The program: on the PATH, or in the build of this clone.
if ! command -v coterie >/dev/null; then
    PATH=$(dirname "$EXAMPLES")/build:$PATH
    command -v coterie >/dev/null || {
        echo "there is no program coterie: build it by scripts/build, or put it on the PATH" >&2
        exit 2
    }
fi

# Python with h5py and NumPy; the first one on the PATH may be a private build without them.
python3() {
    if command python3 -c 'import h5py, numpy' 2>/dev/null; then
        command python3 "$@"
    else
        /usr/bin/python3 "$@"
    fi
}

# mpirun on a laptop or in a test: more ranks than cores, and perhaps root.
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe \
    OMPI_MCA_mpi_yield_when_idle=1
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

if [ $# -gt 0 ]; then
    mkdir -p "$1"
    cd "$1"
else
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    cd "$scratch"
fi
[ -z "$(ls -A)" ] || {
    echo "$PWD is not empty: name a new folder" >&2
    exit 2
}

# show COMMAND...: says what it runs.
show() {
    echo "\$ $*" >&2
    "$@"
}

# check WHAT COMMAND...: ends the example unless the command succeeds.
check() {
    if "${@:2}" >/dev/null; then
        echo "as expected: $1"
    else
        echo "not as expected: $1" >&2
        exit 1
    fi
}

# is A '<' B: compares two numbers.
is() { awk "BEGIN { exit !($1 $2 $3) }"; }

# value NAME FILE: the first number of that name in a file of JSON.
value() { grep -o -m 1 "\"$1\": *[-+0-9.e]*" "$2" | awk '{ print $2; exit }'; }
