#!/bin/bash
# What a peer sends or stores, of any bytes: no crash, no endless wait, no memory that can be cut.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuzzer
PACKAGES="libbsd-overlay" build library "$top_srcdir"/libmapshare/*.c
run library
