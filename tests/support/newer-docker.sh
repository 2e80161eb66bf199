#!/usr/bin/env bash
# A newer Docker Engine than the machine's distribution has, for tests of what newer engines do: the packages of
# another suite of Debian, unpacked into the cache, nothing installed. Prints the path of its `dockerd`.
#
#   DOCKERD=$(tests/support/newer-docker.sh) tests/support/private-engine.sh start NAME
#   … with TONNAGE_ENGINE_CONFIG='{"features":{"containerd-snapshotter":true}}' on the containerd image store
#
# TONNAGE_DOCKER_SUITE names the suite; `trixie` (Docker 26.1) if not given. The machine's own runc is used: the
# suite's may want a newer C library.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

suite=${TONNAGE_DOCKER_SUITE:-trixie}
out=$cache/newer-docker/$suite
need runc

if [ ! -x "$out/usr/sbin/dockerd" ]; then
    unpack_suite "$out" "$suite" docker.io docker-cli containerd
fi
"$out/usr/sbin/dockerd" --version >&2 || die "\`$out/usr/sbin/dockerd\` does not run on this machine" \
    "name another suite with TONNAGE_DOCKER_SUITE"
echo "$out/usr/sbin/dockerd"
