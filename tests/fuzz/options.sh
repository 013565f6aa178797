#!/bin/bash
# Any words on mapsharefs' command line: refused, or options that come back the same from their text.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuzzer
PACKAGES="liburing libxxhash libbsd-overlay" build options "$top_srcdir"/fsd/{options,option_table,option_text,fault,log}.c "$top_srcdir"/fsd/store/*.c
run options
