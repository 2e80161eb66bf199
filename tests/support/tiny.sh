#!/usr/bin/env bash
# Makes the tiny bases of the integration tests and loads them into the engine:
#   tonnage-tiny/python:3.9  tonnage-tiny/python:3.9-slim  tonnage-tiny/python:3.9-alpine
# busybox, a fake `python` and a fake `pip`. They differ by a pad file only, so the order of their sizes is known.
# Takes a second or two and no network. Archives: $TONNAGE_CACHE/tiny/{full,slim,alpine}.tar. Prints NAME ID lines.
#
# BUSYBOX=FILE takes another static busybox than the machine's. The engine is DOCKER_HOST or found by engine.sh.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

need curl
need_python
busybox=${BUSYBOX:-/bin/busybox}
[ -n "${BUSYBOX:-}" ] || need "$busybox=busybox-static"
# in an image without libraries a dynamic program dies with a puzzling "not found"
"$python" "$root/tests/support/tiny/is-static.py" "$busybox" || die "\`$busybox\` is not a static program" \
    "\`apt-get install busybox-static\` (it replaces Debian's \`busybox\`), or \`BUSYBOX=FILE\`"

out=$cache/tiny
mkdir -p "$out"
exec 9>"$out/lock"
flock 9 # another worktree may share the cache
work=$(mktemp -d "$out/work.XXXXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

base=$work/base
mkdir -p "$base"/{bin,etc,root,tmp,srv,usr/local/bin,usr/local/lib}
chmod 755 "$base"
chmod 1777 "$base/tmp"
chmod 700 "$base/root"
install -m 755 "$busybox" "$base/bin/busybox"
while read -r applet; do
    [ "$applet" = busybox ] || ln -s busybox "$base/bin/$applet"
done < <("$busybox" --list)
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$base/etc/passwd"
printf 'root:x:0:\n' >"$base/etc/group"
install -m 755 "$root/tests/support/tiny/python" "$root/tests/support/tiny/pip" "$base/usr/local/bin/"
pack "$base" "$out/base.tar"

# make KIND TAG PAD_BYTES
make_base() {
    local kind=$1 reference=python:$2 tag=tonnage-tiny/python:$2 pad=$work/pad-$1 image
    mkdir -p "$pad/usr/share"
    # shake-256 gives bytes that look random, so do not compress away, and are the same every time
    "$python" -c 'import hashlib, sys
sys.stdout.buffer.write(hashlib.shake_256(b"tonnage").digest(int(sys.argv[1])))' "$3" >"$pad/usr/share/pad"
    pack "$pad" "$out/pad-$kind.tar"
    image=(--tag "$tag" --env "PATH=/usr/local/bin:/usr/bin:/bin" --env HOME=/root --cmd '["python"]'
        --label "io.tonnage.stand-in=$reference" --label "io.tonnage.stand-in.how=tiny fake for tests"
        --layer "$out/base.tar" "ADD busybox, fake python and pip /"
        --layer "$out/pad-$kind.tar" "ADD pad of $3 bytes /usr/share/pad")
    "$python" "$image_py" config "${image[@]}" >"$out/$kind.json"
    "$python" "$image_py" write "${image[@]}" >"$out/$kind.tar.part"
    mv "$out/$kind.tar.part" "$out/$kind.tar"
    if engine_holds "$tag" "$out/$kind.json"; then
        say "$tag is in the engine already"
    else
        engine_load "$tag" <"$out/$kind.tar"
        say "$tag is loaded"
    fi
    echo "$tag $(image_id "$out/$kind.json")"
}

if [ -z "${DOCKER_HOST:-}" ]; then
    DOCKER_HOST=$("$root/scripts/engine.sh")
    export DOCKER_HOST
fi
make_base full 3.9 6291456
make_base slim 3.9-slim 1048576
make_base alpine 3.9-alpine 1024
