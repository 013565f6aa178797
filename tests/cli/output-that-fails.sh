#!/usr/bin/env bash
# What could not be written is a failure.
. "$(dirname "$0")/lib.sh"
[ -c /dev/full ] || skip "no /dev/full"

to_full() {
    mapshare "$@" >/dev/full
}
refused 1 "standard output: No space left on device" to_full --help
refused 1 "standard output: No space left on device" to_full stat --help
refused 1 "standard output: No space left on device" to_full --version
