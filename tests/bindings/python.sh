#!/usr/bin/env bash
# The Python package off the mount and on it, what its README shows, and a wheel of it made without a network.
. "$(dirname "$0")/../lib.sh"
need_program python3
case " ${SANITIZERS:-} " in *" address "* | *" thread "*) skip "python3 cannot load a library that is built with a sanitizer" ;; esac
scratch
cp -r "${top_srcdir:-$TEST_FOLDER/..}/python" "$SCRATCH"

export PYTHONPATH=$SCRATCH/python PYTHONDONTWRITEBYTECODE=1
runner=(python3 "$SCRATCH/python/tests/test_mapshare.py" -v)
if python3 -c 'import pytest' 2>/dev/null; then
    runner=(python3 -m pytest -q -rs -p no:cacheprovider "$SCRATCH/python/tests")
fi

run_tests() { # FOLDER
    cd "$1"
    timeout 300 "${runner[@]}"
    python3 -m doctest "$SCRATCH/python/README.md"
    cd /
}

run_tests "$PLAIN"
if python3 -c 'import setuptools, wheel' 2>/dev/null; then
    (cd "$SCRATCH/python" && python3 -c 'import setuptools.build_meta as backend; backend.build_wheel("../wheels")') >"$SCRATCH/log" 2>&1 ||
        fail "no wheel can be built: $(tail -n 3 "$SCRATCH/log")"
    python3 -m zipfile -e "$SCRATCH"/wheels/mapshare-*.whl "$SCRATCH/unpacked"
    [ -e "$SCRATCH/unpacked/mapshare/py.typed" ] || fail "the wheel lacks py.typed"
else
    skip_part "the wheel: needs setuptools and wheel for python3"
fi
start_mount # skips where there is no /dev/fuse
ON_MOUNT=1 run_tests "$MOUNT"
stop_mount
