#!/usr/bin/env bash
# The live tests against a newer Docker Engine than the machine's, on both of its image stores: overlay2 and
# containerd's. Each engine is a private one, started for this and removed again.
#
#   scripts/test-engines.sh [ARGUMENT OF THE TESTS]...      for instance a part of a test's name
#
# Tests and engine share a network namespace, so that a registry of the tests' is reached at 127.0.0.1.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need curl python3 /bin/busybox=busybox-static skopeo podman docker=docker.io nsenter=util-linux
DOCKERD=$("$root/tests/support/newer-docker.sh")
export DOCKERD
cd "$root"
cargo test --locked --no-run --test live >&2

engine=$root/tests/support/private-engine.sh
status=0
# try NAME CONFIGURATION [TEST ARGUMENT]...
try() {
    local name=$1
    TONNAGE_ENGINE_CONFIG=$2 "$engine" start "$name" >/dev/null
    shift 2
    say "$name: Docker $("$engine" in "$name" docker version --format '{{.Server.Version}}')"
    "$engine" in "$name" "$root/tests/support/tiny.sh" >&2
    "$engine" in "$name" cargo test --locked --offline --test live -- --include-ignored "$@" || status=1
    "$engine" remove "$name"
}
try newover '{"storage-driver":"overlay2"}' "$@"
try newcont '{"features":{"containerd-snapshotter":true}}' "$@"
exit $status
