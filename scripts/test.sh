#!/usr/bin/env bash
# Installs and starts everything that the tests need, and runs all of them, those on a container engine included.
#
#   scripts/test.sh                                 all tests
#   scripts/test.sh ARGUMENT OF cargo test...       only those that `cargo test` chooses so: --test live clean
#
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
"$root/tests/support/tiny.sh" >&2

cd "$root"
say "cargo test"
[[ " $* " == *' -- '* ]] || set -- "$@" --
cargo test --locked --workspace "$@" --include-ignored
say "our statistics against those of scipy"
# 75: left out, and said; anything else that is not 0 is a failure.
tests/scipy/run.sh || { status=$?; [ $status = 75 ] || exit $status; }
say "all tests passed"
