#!/usr/bin/env bash
# How far the figures of a run can be trusted, measured on what is known beforehand:
#
#   benches/aa.sh [RUNS] [ROUNDS]      20 runs of 7 rounds unless told
#
# Each run measures, on the tiny bases, `a` and `same`, two variants with equal Dockerfiles, and `slower`, whose RUN takes
# a known sleep longer. Every build is a cold one. Counted are, by the tool's own rule (the 95 % interval of the paired
# ratio leaves 1 out): how often `same` differs from `a`, which the level allows in 1 of 20 runs on average; how often the
# A/A check calls a run noisy; and how often the interval of `slower` ÷ `a` holds the true ratio, which is made of the
# very builds it is about: each round's time of `a` plus the sleep. Ends with 1 where there are more differences than 99
# of 100 such experiments would have, or fewer intervals that hold the ratio.
#
# The sleep is a whole second unless SLEEP says otherwise: where the engine ends layers at whole seconds (fuse-overlayfs:
# see docs/how-the-numbers-are-made.md) half a second more is either none or one. There equal variants cannot be called
# different for anything less than a second either; an engine on overlay2 is the harder test.
#
# The engine is DOCKER_HOST or the one that is found; the program is TONNAGE, else a debug build.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

runs=${1:-20} rounds=${2:-7} sleep=${SLEEP:-1}
[[ $runs =~ ^[0-9]+$ && $rounds =~ ^[0-9]+$ && $runs -gt 0 && $rounds -ge 6 ]] ||
    die "a number of runs and at least 6 rounds are wanted" "usage: \`benches/aa.sh [RUNS] [ROUNDS]\`"
need_python
need_rust
[ -n "${DOCKER_HOST:-}" ] || DOCKER_HOST=$("$root/scripts/engine.sh")
export DOCKER_HOST
"$root/tests/support/tiny.sh" >/dev/null
if [ -z "${TONNAGE:-}" ]; then
    cargo build --quiet --locked --manifest-path "$root/Cargo.toml"
    TONNAGE=${CARGO_TARGET_DIR:-$root/target}/debug/tonnage
fi

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
# variant NAME COMMAND
variant() {
    mkdir -p "$work/aa/$1"
    printf 'FROM tonnage-tiny/python:3.9-alpine\nCOPY file /file\nRUN %s\n' "$2" >"$work/aa/$1/Dockerfile"
    printf '[[variant]]\nname = "%s"\n' "$1" >>"$work/aa/tonnage.toml"
}
mkdir -p "$work/aa"
printf '[suite]\nname = "aa"\n' >"$work/aa/tonnage.toml"
echo content >"$work/aa/file"
variant a "sleep 0.3; echo done"
variant same "sleep 0.3; echo done"
variant slower "sleep 0.3; sleep $sleep; echo done"

for ((run = 1; run <= runs; run++)); do
    "$TONNAGE" run "$work/aa" --quiet --scenarios cold --rounds "$rounds" --seed "$run" --no-serve --format json \
        --out "$work/out/$run" >"$work/$run.json" || die "run $run failed"
    say "run $run of $runs"
done
"$python" "$root/benches/aa.py" "$sleep" "$work/out" "$work" "$runs"
