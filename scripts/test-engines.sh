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
DOCKERD=$("$root/scripts/newer-docker.sh")
export DOCKERD
cd "$root"
cargo test --locked --no-run --test it >&2
"$root/scripts/tiny.sh" --no-load >&2

status=0
# try NAME CONFIGURATION [TEST ARGUMENT]...
try() {
    local name=$1 configuration=$2
    shift 2
    DOCKER_HOST=$(TONNAGE_ENGINE_CONFIG=$configuration "$root/scripts/private-engine.sh" start "$name")
    export DOCKER_HOST
    say "$name: Docker $(engine_call /version | grep -o '"Version":"[^"]*"' | head -n 1 | cut -d '"' -f 4)"
    "$root/scripts/tiny.sh" >&2
    TONNAGE_TEST_LIVE=1 TONNAGE_TEST_TINY=$cache/tiny nsenter "--net=/run/netns/tonnage-$name" \
        cargo test --locked --offline --test it -- "$@" || status=1
    "$root/scripts/private-engine.sh" remove "$name"
}
try newover '{"storage-driver":"overlay2"}' "$@"
try newcont '{"features":{"containerd-snapshotter":true}}' "$@"
exit $status
