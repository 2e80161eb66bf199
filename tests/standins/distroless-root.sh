#!/usr/bin/env bash
# Makes the root that serves for gcr.io/distroless/python3-debian13: Debian's own packages, unpacked as its makers do,
# with no shell, no package manager, and the list of packages in /var/lib/dpkg/status.d.
#
#   distroless-root.sh LAYER.tar        needs root
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=tests/standins/apt.sh
. "$root/tests/standins/apt.sh"

layer=$1
work=$(scratch 500)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM

say "distroless: unpacking Debian trixie's Python"
new=$work/root
unpack_packages "$work" trixie distroless "$new"
mkdir -p "$new/var/lib/dpkg/status.d"
for package in "$work"/packages/*.deb; do
    name=$(dpkg-deb --field "$package" Package)
    dpkg-deb --field "$package" >"$new/var/lib/dpkg/status.d/$name"
    dpkg-deb --ctrl-tarfile "$package" | tar -xO ./md5sums >"$new/var/lib/dpkg/status.d/$name.md5sums" 2>/dev/null || true
done
rm -rf "$new"/usr/share/{man,info,locale,lintian,bash-completion} "$new"/usr/lib/python3.13/test
find "$new/usr/share/doc" ! -type d ! -name copyright -delete
find "$new/usr/share/doc" -type d -empty -delete
mkdir -p "$new"/{root,tmp,proc,sys,dev,run,var/tmp,home/nonroot,etc/ssl/certs}
chmod 1777 "$new/tmp" "$new/var/tmp"
chown 65532:65532 "$new/home/nonroot"
find "$new/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat \
    >"$new/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$new/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$new/etc/group"
echo 'hosts: files dns' >"$new/etc/nsswitch.conf"
ln -s python3.13 "$new/usr/bin/python3"
ln -s python3 "$new/usr/bin/python"
# Nothing in there could make the cache of libraries; the loader finds those of this directory by itself.
chroot "$new" /usr/bin/python3.13 -Bc 'import ssl, zlib, sqlite3, ctypes, bz2, lzma, hashlib' ||
    die "the Python of the distroless root does not run"
[ ! -e "$new/usr/bin/sh" ] || die "the distroless root has a shell"
tar --format=gnu --sort=name --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$new" -cf "$layer.part" .
mv "$layer.part" "$layer"
