#!/usr/bin/env bash
# The main job, from a clean clone: sees to an engine, a release build and base images, then builds and weighs the
# four variants of the Flask suite. The exit code is that of `tonnage run`.
#
#   scripts/bench.sh [OPTION OF tonnage run]...
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
DOCKER_HOST=$("$root/scripts/engine.sh")
export DOCKER_HOST
say "the engine is at $DOCKER_HOST"

# pip_setting NAME: what pip on this machine is told by its configuration files, the user's before the system's.
pip_setting() {
    local file
    for file in "${PIP_CONFIG_FILE:-}" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" "$HOME/.pip/pip.conf" \
        /etc/xdg/pip/pip.conf /etc/pip.conf; do
        if [ -n "$file" ] && [ -r "$file" ]; then
            sed -n "s/^[[:space:]]*$1[[:space:]]*[=:][[:space:]]*//p" "$file" | sed 's/[[:space:]]*$//' | tail -n 1
        fi
    done | head -n 1
}

cd "$root"
say "cargo build --release"
cargo build --release --locked

bases=$("$root/scripts/bases.sh")
case $bases in
registry) options=(--bases default) ;;
stand-in) options=(--bases stand-in) ;;
*) die "bases.sh answered \`$bases\`" ;;
esac
# A network that inspects TLS has a certificate authority of its own; where this machine's pip is told to trust
# one, the pip in the builds must be too.
certificates=${PIP_CERT:-$(pip_setting cert)}
if [ -n "$certificates" ] && [ -r "$certificates" ]; then
    options+=(--ca-file "$certificates")
fi
index=${PIP_INDEX_URL:-$(pip_setting index-url)}
[ -z "$index" ] || options+=(--site-env "PIP_INDEX_URL=$index")

report=results/flask-blog/$(date -u +%Y%m%dT%H%M%SZ)
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

say "tonnage run variants/flask-blog"
status=0
"${CARGO_TARGET_DIR:-target}/release/tonnage" run variants/flask-blog "${options[@]}" "$@" || status=$?
if [ -n "$report" ] && [ -e "$report" ]; then
    say "the report is in $report"
fi
exit $status
