#!/usr/bin/env bash
# The installed programs and the library are built with what makes a fault in them harder to use, as their files tell.
. "$(dirname "$0")/../lib.sh"
need_program readelf nm
[ -z "${SANITIZERS:-}" ] || skip "built with sanitizers, which have flags of their own"
scratch
daemon=$(find_built mapsharefs)
[ -e "$BUILD_FOLDER/cli/.libs/mapshare" ] && tool=$BUILD_FOLDER/cli/.libs/mapshare || tool=$(find_built mapshare)
[ -e "$BUILD_FOLDER/.libs/mapshare" ] && tool=$BUILD_FOLDER/.libs/mapshare
library=$BUILD_FOLDER/.libs/libmapshare.so

for file in "$daemon" "$tool" "$library"; do
    readelf -hldnW "$file" >"$SCRATCH/headers"
    nm -D "$file" >"$SCRATCH/symbols"
    grep -q 'Type: *DYN' "$SCRATCH/headers" || fail "$file: not position independent"
    grep -q GNU_RELRO "$SCRATCH/headers" || fail "$file: no RELRO"
    grep -q 'GNU_STACK.* RW ' "$SCRATCH/headers" || fail "$file: the stack can be executed"
    grep -q 'LOAD.* RWE ' "$SCRATCH/headers" && fail "$file: memory that can be written and executed"
    grep -qE 'BIND_NOW|FLAGS.*NOW' "$SCRATCH/headers" || fail "$file: bound lazily, so RELRO is not full"
    grep -q __stack_chk_fail "$SCRATCH/symbols" || fail "$file: no guards on the stack"
    grep -q '_chk@' "$SCRATCH/symbols" || fail "$file: _FORTIFY_SOURCE does nothing"
done

# The compiler's options of each object of the daemon, where it noted them.
readelf --debug-dump=info "$daemon" 2>/dev/null | sed -n 's/.*DW_AT_producer .*: \(GNU C.*\)/\1/p' | sort -u >"$SCRATCH/producers"
[ -s "$SCRATCH/producers" ] || skip "$daemon does not tell what it was compiled with (no -g, or not by GCC)"
for option in -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero -fstack-protector-strong; do
    grep -qvF -e " $option" "$SCRATCH/producers" && fail "compiled without $option: $(grep -vF -e " $option" "$SCRATCH/producers" | head -n 1)"
done
echo "3 files"
