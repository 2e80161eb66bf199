#!/usr/bin/env bash
# Makes the root that serves for python:3.9-alpine when the real one cannot be made: busybox and Debian's glibc and
# Python 3.9, unpacked and stripped. Near the official image in size, but not musl, and labelled so.
#
#   alpine-fallback.sh LAYER.tar        needs root
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=tests/standins/apt.sh
. "$root/tests/standins/apt.sh"

layer=$1
work=$(scratch 500)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM

say "alpine: making the glibc fallback"
new=$work/root
unpack_packages "$work" bullseye fallback "$new"
rm -rf "$new"/usr/share/{doc,man,info,locale,lintian,bash-completion,initramfs-tools,perl5} \
    "$new"/usr/lib/*-linux-gnu/{gconv,krb5} \
    "$new"/usr/lib/python3.9/{test,idlelib,lib2to3/tests} "$new"/usr/lib/python3/dist-packages
mkdir -p "$new"/{root,tmp,proc,sys,dev,run,var/tmp,etc/ssl/certs,usr/local/bin}
chmod 1777 "$new/tmp" "$new/var/tmp"
chroot "$new" /bin/busybox --install -s /bin
find "$new/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat \
    >"$new/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$new/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$new/etc/group"
echo 'hosts: files dns' >"$new/etc/nsswitch.conf"
ln -s python3.9 "$new/usr/bin/python3"
ln -s /usr/bin/python3.9 "$new/usr/local/bin/python"
chroot "$new" /usr/local/bin/python -Bc 'import ssl, zlib, sqlite3, ctypes' ||
    die "the Python of the glibc fallback does not run"
tar --format=gnu --sort=name --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$new" -cf "$layer.part" .
mv "$layer.part" "$layer"
