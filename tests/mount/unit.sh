#!/usr/bin/env bash
# systemd finds nothing wrong with the units, and starts what this build has; the names in the manual are the ones that systemd-escape gives.
. "$(dirname "$0")/../lib.sh"
need_program systemd-analyze systemd-escape
scratch
unit=$SCRATCH/mapsharefs@.service
sed -E 's|=/[^ ]*/(mapsharefs\|mapshare) |=/bin/true |' "$BUILD_FOLDER/systemd/mapsharefs@.service" >"$unit"
[ "$(grep -c '=/bin/true ' "$unit")" = 3 ] || fail "the unit runs other programs: $(grep Exec "$unit")"

verify() {
    systemd-analyze verify --man=no --recursive-errors=no "$SCRATCH/mapsharefs@srv-shared.service" >"$SCRATCH/said" 2>&1 && [ ! -s "$SCRATCH/said" ]
}
cp "$unit" "$SCRATCH/mapsharefs@srv-shared.service"
verify || fail "systemd-analyze verify says: $(cat "$SCRATCH/said")"
sed -i 's/^OOMPolicy=continue/OOMPolicy=perhaps/' "$SCRATCH/mapsharefs@srv-shared.service"
if verify; then fail "systemd-analyze verify sees no mistake"; fi

# The stand-by, which only a build with libcurl has: what it mounts is seen outside.
if [ -e "$BUILD_FOLDER/systemd/mapshare-standby@.service" ]; then
    sed -E 's|=/[^ ]*/mapshare-standby |=/bin/true |' "$BUILD_FOLDER/systemd/mapshare-standby@.service" >"$SCRATCH/mapshare-standby@srv-shared.service"
    grep -q '=/bin/true ' "$SCRATCH/mapshare-standby@srv-shared.service" || fail "the stand-by's unit runs another program"
    systemd-analyze verify --man=no --recursive-errors=no "$SCRATCH/mapshare-standby@srv-shared.service" >"$SCRATCH/said" 2>&1 && [ ! -s "$SCRATCH/said" ] ||
        fail "systemd-analyze verify says of the stand-by: $(cat "$SCRATCH/said")"
    ! grep -E '^(Private|Protect|ReadOnly|Inaccessible|TemporaryFileSystem|RootDirectory|MountFlags)' "$SCRATCH/mapshare-standby@srv-shared.service" ||
        fail "nobody would see the stand-by's mount"
else
    skip_part "mapshare-standby is not built (libcurl is missing)"
fi

[ "$(systemd-escape --path --template=mapsharefs@.service /srv/shared)" = mapsharefs@srv-shared.service ] || fail "the manual's name is another"
[ "$(systemd-escape --path /srv/my-data)" = 'srv-my\x2ddata' ] || fail "the manual's second name is another"
