#!/usr/bin/env bash
# buildx of another suite of Debian than the machine's, for tests of what reads its build records: unpacked into the cache,
# nothing installed. Prints the path of `docker-buildx`.
#
# TONNAGE_BUILDX_SUITE names the suite; `sid` if not given: `history export` is not in trixie's buildx 0.13.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

suite=${TONNAGE_BUILDX_SUITE:-sid}
out=$cache/buildx/$suite
buildx=$out/usr/libexec/docker/cli-plugins/docker-buildx
[ -x "$buildx" ] || unpack_suite "$out" "$suite" docker-buildx
"$buildx" version >&2 || die "\`$buildx\` does not run on this machine" "name another suite with TONNAGE_BUILDX_SUITE"
echo "$buildx"
