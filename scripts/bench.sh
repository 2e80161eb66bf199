#!/usr/bin/env bash
# The main job, from a clean clone: sees to an engine, a release build and base images, then builds and weighs the
# variants of a suite. The exit code is that of `tonnage run`.
#
#   [SUITE=python-2026] scripts/bench.sh [OPTION OF tonnage run]...        (default: flask-blog)
#
# A variant of python-2026 asks what linked layers save, and few engines keep them. Where this machine's does not, root on
# a Debian-like system gets one for the run, with data of its own in the cache; if DOCKER_HOST names an engine, that one is
# used whatever it keeps.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

suite=${SUITE:-flask-blog}
[ -e "$root/variants/$suite/tonnage.toml" ] || die "no suite \`variants/$suite\`"
need_rust
chosen=${DOCKER_HOST:-}
DOCKER_HOST=$("$root/scripts/engine.sh")
export DOCKER_HOST
say "the engine is at $DOCKER_HOST"

# keeps_links: does the engine keep a linked layer when what is beneath it changes? As far as was seen, only Docker 28 and
# newer with the containerd image store.
keeps_links() {
    local info
    info=$(engine_call /info) || return 1
    [[ $info = *io.containerd.snapshotter* && $info =~ \"ServerVersion\":\"([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 28 ]
}

if [ "$suite" = python-2026 ] && ! keeps_links; then
    private=$root/tests/support/private-engine.sh
    if [ -z "$chosen" ] && can_install && newer=$(TONNAGE_DOCKER_SUITE=sid "$root/tests/support/newer-docker.sh") &&
        DOCKERD=$newer TONNAGE_ENGINE_INTERNET=yes TONNAGE_ENGINE_CONFIG='{"features":{"containerd-snapshotter":true}}' \
            "$private" start linked >/dev/null; then
        say "the engine does not keep linked layers: another one, which does, is used for this run"
        trap '"$private" stop linked' EXIT
        status=0
        "$private" in linked "$0" "$@" || status=$?
        exit $status
    fi
    say "the engine does not keep linked layers, so \`copy-link\` shows nothing, or does not build (before Docker 23);" \
        "Docker 28 with the containerd image store keeps them"
fi

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
