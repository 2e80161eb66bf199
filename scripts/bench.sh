#!/usr/bin/env bash
# The main job, from a clean clone: sees to an engine, a release build and base images, then builds and weighs the
# variants of a suite. The exit code is that of `tonnage run`.
#
#   [SUITE=python-2026] scripts/bench.sh [OPTION OF tonnage run]...        (default: flask-blog)
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

suite=${SUITE:-flask-blog}
[ -e "$root/variants/$suite/tonnage.toml" ] || die "no suite \`variants/$suite\`"
need_rust
DOCKER_HOST=$("$root/scripts/engine.sh")
export DOCKER_HOST
say "the engine is at $DOCKER_HOST"

cd "$root"
# The program is compiled while the base images are made; nothing compiles once builds are timed.
say "cargo build --release, meanwhile"
log=$cache/build.log
cargo build --release --locked >"$log" 2>&1 &
compiler=$!
trap 'kill "$compiler" 2>/dev/null || true' EXIT
suite_options "$suite"
wait "$compiler" || {
    tail -n 40 "$log" >&2
    die "tonnage does not compile" "the whole log is in \`$log\`"
}
trap - EXIT
say "program and base images are ready"

report=results/$suite/$(date -u +%Y%m%dT%H%M%SZ)
for argument; do
    case $argument in
    --out) report= ;; # the caller knows
    --out=*) report=${argument#--out=} ;;
    esac
done
case " $* " in
*' --out'[\ =]*) ;;
*) options+=(--out "$report") ;;
esac

say "tonnage run variants/$suite"
status=0
"${CARGO_TARGET_DIR:-target}/release/tonnage" run "variants/$suite" "${options[@]}" "$@" || status=$?
if [ -n "$report" ] && [ -e "$report" ]; then
    say "the report is in $report"
fi
exit $status
