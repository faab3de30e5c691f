# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the findings share. Sourced; leaves the script in an empty temporary folder.
#
# Exit codes of a finding: 0 the behaviour is as recorded, 1 it has changed, 77 it cannot be tried here.
set -euo pipefail
export LC_ALL=C.UTF-8 OPENBLAS_NUM_THREADS=1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# need PACKAGE=VERSION...: uses the Debian packages if they are installed in just this version. Else, or with
# FINDINGS_FETCH=always, downloads them and unpacks them into the temporary folder; not with FINDINGS_FETCH=never.
need() {
    local wanted name has
    for wanted; do
        name=${wanted%%=*}
        has=$(dpkg-query -W -f '${Version}' "$name" 2>/dev/null) || has=none
        if [ "$has" = "${wanted#*=}" ] && [ "${FINDINGS_FETCH:-}" != always ]; then
            echo "package  $name ${wanted#*=}, installed"
        elif [ "${FINDINGS_FETCH:-}" != never ] && apt-get download "$wanted" >/dev/null 2>&1; then
            dpkg-deb -x "${name}"_*.deb unpacked
            echo "package  $name ${wanted#*=}, downloaded"
        else
            echo "cannot be tried: no package $wanted (installed: $has)" >&2
            exit 77
        fi
    done
    if [ -d unpacked ]; then
        local root=$scratch/unpacked multiarch=/usr/lib/x86_64-linux-gnu place
        for place in lapack blas openblas-pthread hdf5/serial ''; do
            LD_LIBRARY_PATH=$root$multiarch/$place:${LD_LIBRARY_PATH:-}
        done
        export LD_LIBRARY_PATH PYTHONPATH=$root/usr/lib/python3/dist-packages \
            R_LIBS=$root/usr/lib/R/site-library PATH=$root/usr/bin:$PATH
    fi
}

# need_with_dependencies PACKAGE=VERSION: the same, with all packages that it needs and that are missing.
need_with_dependencies() {
    local archives=$scratch/archives archive found=
    mkdir -p "$archives/partial"
    [ "${FINDINGS_FETCH:-}" = never ] ||
        apt-get install --yes --download-only --no-install-recommends --option Dir::Cache::archives="$archives" \
            --option APT::Sandbox::User=root "$1" >/dev/null 2>&1 || true
    for archive in "$archives"/*.deb; do
        [ -e "$archive" ] || continue
        dpkg-deb -x "$archive" unpacked
        [[ ${archive##*/} != "${1%%=*}_${1#*=}_"* ]] || found=yes
    done
    if [ "$found" ]; then
        echo "package  $1, downloaded with what it needs"
    else
        FINDINGS_FETCH=never need "$1"
    fi
}

# file_of PATH: the file of a needed package, unpacked or installed.
file_of() { if [ -e "unpacked$1" ]; then echo "$PWD/unpacked$1"; else echo "$1"; fi; }

# python: Debian's, which knows Debian's packages. It runs with expect() for what was recorded.
python() {
    cat >expect.py <<'PYTHON'
def expect(what, found, recorded):
    """Says what was found; ends with 1 where it is not what was recorded."""
    print(f"seen     {what}: {found}")
    if str(found) != str(recorded):
        raise SystemExit(f"CHANGED  recorded was: {recorded}")
PYTHON
    PYTHONPATH=.:${PYTHONPATH:-} PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -
    echo "as recorded"
}
