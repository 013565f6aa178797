#!/bin/bash
# A superblock of any bytes: one that is whole, or none.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuzzer
PACKAGES="liburing libxxhash libbsd-overlay libseccomp" build superblock "$top_srcdir"/fsd/{journal,store,sandbox}/*.c "$top_srcdir"/fsd/log.c
run superblock
