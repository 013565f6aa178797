#!/bin/bash
# What a peer sends or stores, of any bytes: no crash, no endless wait, no memory that can be cut.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# What is written to its areas says that others use them: nobody would take them away but the end of a /dev/shm of their own.
if [ -z "${INSIDE_NAMESPACE:-}" ]; then
    unshare -m true 2> /dev/null || skip "cannot make a mount namespace"
    rm -rf "$scratch"
    INSIDE_NAMESPACE=1 exec unshare -m --propagation private bash "$0"
fi
mount -t tmpfs -o size=256m none /dev/shm
need_fuzzer
PACKAGES="libbsd-overlay" build library "$top_srcdir"/libmapshare/*.c
run library
