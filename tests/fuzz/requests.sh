#!/bin/bash
# Any bytes as the kernel's requests, as arguments of ioctls and values of attributes: no crash, every reply well formed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# What is written without end must not take the machine's memory: a file system of its own, with a size.
if [ -z "${INSIDE_NAMESPACE:-}" ]; then
    unshare -m true 2> /dev/null || skip "cannot make a mount namespace"
    rm -rf "$scratch"
    INSIDE_NAMESPACE=1 exec unshare -m --propagation private bash "$0"
fi
need_fuzzer
FUZZ_FOLDER=$(mktemp -d /dev/shm/mapshare-fuzz.XXXXXX)
mount -t tmpfs -o size=256m none "$FUZZ_FOLDER"
mapfile -t sources < <(find "$top_srcdir/fsd" -name '*.c' ! -name main.c)
PACKAGES="fuse3 liburing libxxhash libbsd-overlay mount libseccomp" build requests "${sources[@]}"
# What is parked is not given back, and the worker never ends.
export ASAN_OPTIONS=detect_leaks=0
run requests "$top_srcdir"/tests/fuzz/corpus/ioctls "$top_srcdir"/tests/fuzz/corpus/attributes
