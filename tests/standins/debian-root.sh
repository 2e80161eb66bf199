#!/usr/bin/env bash
# Makes the Debian root of a stand-in: a release of Debian with its Python, shaped like the official images (their apt and
# dpkg settings, caches cleaned, in slim no documentation). One layer, the same bytes for the same archive.
#
#   debian-root.sh full|slim RELEASE LAYER.tar        needs root
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

kind=$1 release=$2 layer=$3
need mmdebstrap /usr/share/keyrings/debian-archive-keyring.gpg=debian-archive-keyring
mirror=$(debian_mirror)
here=$root/tests/standins
packages=$(awk -v kind="$kind" -v release="$release" '
    $1 == "all" || $1 == kind || $1 == release "-all" || $1 == release "-" kind {$1 = ""; print}
    ' "$here/debian-packages.txt" | xargs | tr ' ' ,)

[ "$kind" = full ] && space=4000 || space=1000
work=$(scratch "$space")
trap 'rm -rf --one-file-system "$work" "$layer.part"' EXIT
trap 'exit 130' INT TERM

say "$kind: installing Debian $release into a folder"
# unsafe-io: no sync after each file, nothing here outlives a crash
TMPDIR=$work TONNAGE_KIND=$kind mmdebstrap --quiet --format=tar --variant=minbase --dpkgopt=force-unsafe-io \
    --include="$packages" --customize-hook="$here/debian-hook.sh" \
    "$release" "$layer.part" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" \
    >"$work/log" 2>&1 </dev/null || {
    tail -n 20 "$work/log" >&2
    die "failed to install Debian $release" \
        "if a package is gone: the archive removes old releases; name one that still has it, TONNAGE_DEBIAN_MIRROR=URL" \
        "if a mount is refused: this needs root, and in a container \`--privileged\`"
}
mv "$layer.part" "$layer"
