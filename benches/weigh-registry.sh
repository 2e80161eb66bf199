#!/usr/bin/env bash
# Weighing an image in a registry against `skopeo copy … oci:`, which only moves the bytes to the disk: wall time, user CPU
# time, and peak memory of both, in turns, as a row of a Markdown table. The registry is on the loopback interface, and
# every layer is transferred in every round. Exit code 1 when a limit is missed.
#
#   benches/weigh-registry.sh [ROUNDS]      5 rounds if not given
#
# ARCHIVE=FILE is what the registry is filled with; without it the stand-in for python:3.9 (865 MB), saved by the engine.
# TONNAGE=FILE is the program; without it a release build.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

rounds=${1:-5}
work=$(scratch 4000)
export TONNAGE_REGISTRY=$work/registry
end() {
    "$root/tests/support/registry.sh" stop
    rm -rf --one-file-system "$work"
}
trap end EXIT
need /usr/bin/time=time skopeo
need_python
release_program
archive=${ARCHIVE:-$work/stand-in.tar}
if [ ! -e "$archive" ]; then
    DOCKER_HOST=${DOCKER_HOST:-$("$root/scripts/engine.sh")}
    export DOCKER_HOST
    "$root/tests/standins/make.sh" full >&2
    say "saving the stand-in"
    engine_call /images/tonnage-standin/python:3.9/get >"$archive"
fi
address=$("$root/tests/support/registry.sh" start)
"$root/tests/support/registry.sh" fill "$archive" bench/image:1 >&2
megabytes=$(du --bytes --summarize "$TONNAGE_REGISTRY/data" | awk '{ print int($1 / 1000000) }')

mkdir "$work/copies"
copy="NO_PROXY=127.0.0.1 skopeo --insecure-policy copy --quiet --src-tls-verify=false docker://$address/bench/image:1"
copy+=" oci:\$(mktemp --directory --tmpdir=$work/copies)/image:1"
echo "| image | wall | user CPU | peak memory | rounds |"
echo "|---|---|---|---|---:|"
"$python" "$root/benches/versus.py" "$megabytes MB compressed, everything on" "$rounds" wall=1.0 \
    "$(printf '%q ' "$tonnage" weigh --no-cache "registry://$address/bench/image:1")" "$(printf '%q ' bash -c "$copy")"
