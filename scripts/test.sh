#!/usr/bin/env bash
# Everything that the tests need, and then all of them, those against a live engine included.
#
#   scripts/test.sh [ARGUMENT OF cargo test]...
#
# The tests see: DOCKER_HOST, TONNAGE_TEST_LIVE=1, and TONNAGE_TEST_TINY, the folder with the tiny bases' archives
# (full.tar, slim.tar, alpine.tar), which are in the engine too.
# Some tests send signals, which a program inherits as ignored if its parent ignores them (`nohup`, `&`).
[ -n "${TONNAGE_SIGNALS:-}" ] || TONNAGE_SIGNALS=default exec env --default-signal "$0" "$@"
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need curl git jq xmllint=libxml2-utils python3 /bin/busybox=busybox-static skopeo podman \
    /usr/lib/*/faketime/libfaketimeMT.so.1=libfaketime chromium chromedriver=chromium-driver
DOCKER_HOST=$("$root/scripts/engine.sh")
export DOCKER_HOST
say "the engine is at $DOCKER_HOST"
"$root/scripts/tiny.sh" >&2
export TONNAGE_TEST_TINY=$cache/tiny
export TONNAGE_TEST_LIVE=1

cd "$root"
say "cargo build"
cargo build --locked --workspace --all-targets
say "cargo test"
cargo test --locked --workspace "$@"
say "our statistics against those of scipy"
# 75: left out, and said; anything else that is not 0 is a failure.
tests/scipy/run.sh || { status=$?; [ $status = 75 ] || exit $status; }
say "all tests passed"
