#!/bin/bash
# Any bytes as the kernel's requests, as arguments of ioctls and values of attributes: no crash, every reply well formed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuzzer
mapfile -t sources < <(find "$top_srcdir/fsd" -name '*.c' ! -name main.c)
PACKAGES="fuse3 liburing libxxhash libbsd-overlay mount libseccomp" build requests "${sources[@]}"
# What is parked is not given back, and the worker never ends.
export ASAN_OPTIONS=detect_leaks=0
run requests "$top_srcdir"/tests/fuzz/corpus/ioctls "$top_srcdir"/tests/fuzz/corpus/attributes
