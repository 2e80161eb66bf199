#!/usr/bin/env bash
# Installs and starts everything that the tests need, and runs all of them, those on a container engine included.
#
#   scripts/test.sh                                 all tests
#   scripts/test.sh ARGUMENT OF cargo test...       only those that `cargo test` chooses so: --test live clean
#
# All tests run in lanes at the same time; each line of output begins with the name of its lane:
#   offline   what needs no engine
#   machine   tests on the engine of this machine, one at a time
#   second    the other tests that share an engine, on a private one with a network of its own
#   private   tests that each start an engine of their own
# Without root there are no private engines: the tests of `second` run in `machine`, those of `private` are left out, and
# that is said.
#
# Some tests send signals, which a program inherits as ignored if its parent ignores them (`nohup`, `&`).
[ -n "${TONNAGE_SIGNALS:-}" ] || TONNAGE_SIGNALS=default exec env --default-signal "$0" "$@"
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need curl git jq patch xmllint=libxml2-utils python3 /bin/busybox=busybox-static skopeo podman \
    /usr/lib/*/faketime/libfaketimeMT.so.1=libfaketime chromium chromedriver=chromium-driver \
    rsvg-convert=librsvg2-bin fc-list=fontconfig /usr/share/fonts/truetype/dejavu=fonts-dejavu-core \
    /usr/share/fonts/truetype/liberation=fonts-liberation /usr/share/fonts/truetype/noto=fonts-noto-core
DOCKER_HOST=$("$root/scripts/engine.sh")
export DOCKER_HOST
say "the engine is at $DOCKER_HOST"
"$root/tests/support/tiny.sh" >&2

cd "$root"
if [ $# -gt 0 ]; then
    [[ " $* " == *' -- '* ]] || set -- "$@" --
    exec cargo test --locked --workspace "$@" --include-ignored
fi

say "cargo build"
cargo test --locked --workspace --no-run

# lane NAME COMMAND...: runs it in the background.
lanes=()
lane() {
    local name=$1
    shift
    { "$@" 2>&1 | sed -u "s/^/$name: /"; } &
    lanes+=("$name=$!")
}
# More threads than cores: most tests wait for an engine, and for each other.
live=(cargo test --locked --test live -- --include-ignored --test-threads 16)
engine=$root/tests/support/private-engine.sh

# Those on the machine's engine are what a user does first; the others are many.
machine=(on_shared::quick_start on_shared::run)
if [ "$(id -u)" = 0 ]; then
    second=s$$ # of this run alone
    trap '"$engine" remove "$second"' EXIT
    # overlay2, where the disk can do it, is the quickest storage driver.
    TONNAGE_ENGINE_INTERNET=yes TONNAGE_ENGINE_CONFIG='{"storage-driver":"overlay2"}' "$engine" start "$second" >/dev/null ||
        TONNAGE_ENGINE_INTERNET=yes "$engine" start "$second" >/dev/null
    "$engine" in "$second" "$root/tests/support/tiny.sh" >&2
    skipped=()
    for name in "${machine[@]}"; do skipped+=(--skip "$name"); done
    lane second "$engine" in "$second" "${live[@]}" on_shared:: "${skipped[@]}"
    lane private "${live[@]}" on_private::
else
    say "LEFT OUT: tests with an engine of their own, which need root"
    machine=(on_shared::)
fi
lane machine "${live[@]}" "${machine[@]}"
lane offline cargo test --locked --workspace -- --include-ignored --skip on_shared:: --skip on_private::

status=0
for lane in "${lanes[@]}"; do
    wait "${lane#*=}" || {
        status=1
        say "FAILED: ${lane%=*}"
    }
done
[ $status = 0 ] || exit $status
say "our statistics against those of scipy"
# 75: left out, and said; anything else that is not 0 is a failure.
tests/scipy/run.sh || { status=$?; [ $status = 75 ] || exit $status; }
say "all tests passed"
