#!/usr/bin/env bash
# The search of the HTML manual: what is typed, or comes with the address, finds the option, the call, the section that is called so, first; every word
# counts; what is not there is not found.
. "$(dirname "$0")/../lib.sh"
need_program node mandoc python3
scratch
python3 "$top_srcdir/man/build-html" "$top_srcdir/man" "$SCRATCH/html"
node "$top_srcdir/tests/docs/search.js" "$SCRATCH/html"
