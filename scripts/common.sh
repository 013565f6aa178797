# shellcheck shell=bash
# What scripts/check and scripts/demo share: where things are, and what must be installed. To be sourced.
set -euo pipefail

top_srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# shellcheck disable=SC2034 # used by those who source this
build_packages=(autoconf automake libtool make gcc libc6-dev pkg-config libfuse3-dev liburing-dev libmount-dev libbsd-dev libxxhash-dev libseccomp-dev
    libjson-c-dev libncurses-dev fuse3)
# shellcheck disable=SC2034 # by scripts/check
test_packages=(g++ clang-format mandoc attr acl python3 libcmocka-dev sqlite3 libsqlite3-dev liblmdb-dev lmdb-utils fio git rsync tar
    stress-ng e2fsprogs xfsprogs btrfs-progs dosfstools bindfs procps tmux clang libclang-rt-dev systemtap-sdt-dev xz-utils binutils libboost-dev
    python3-numpy python3-setuptools python3-wheel libcurl4-openssl-dev etcd-server etcd-client)

# shellcheck disable=SC2034 # by scripts/check reach
reach_packages=(libcurl4-openssl-dev etcd-server etcd-client glusterfs-server glusterfs-client ceph-mon ceph-osd ceph-mds ceph-fuse
    ceph-common attr iproute2 procps util-linux)
# shellcheck disable=SC2034 # by scripts/check package
package_packages=(dpkg-dev debhelper dh-python lintian pkgconf libcmocka-dev mandoc python3)

mkdir -p "$top_srcdir/build"

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

missing_packages() { # PACKAGE...: those of them that are not installed
    local package
    for package in "$@"; do
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        *" installed") ;;
        *) echo "$package" ;;
        esac
    done
}

# Installs what is missing, and only that; says what to do where it cannot. Returns 1 when something is still missing.
install_packages() { # PACKAGE...
    local missing
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "No apt here. Where the build fails, install what these Debian packages hold: $*"
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "Missing packages, and installing them takes root: apt-get install ${missing[*]}"
        return 1
    fi
    echo "Installing ${missing[*]}"
    if ! {
        apt-get -q -y update &&
            DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}"
    } </dev/null >"$top_srcdir/build/packages.log" 2>&1; then
        tail -n 5 "$top_srcdir/build/packages.log"
        mapfile -t missing < <(missing_packages "$@")
        echo "Could not be installed: ${missing[*]} (all of it: build/packages.log)"
        return 1
    fi
}

# The build system of a fresh clone. One at a time, when two scripts run at once.
make_configure() {
    [ -x "$top_srcdir/configure" ] && [ "$top_srcdir/configure" -nt "$top_srcdir/configure.ac" ] && return
    flock "$top_srcdir/configure.ac" autoreconf -fi "$top_srcdir"
}

mounts_below() { # FOLDER: what is mounted there, the last first
    awk -v folder="$1/" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts | tac
}
