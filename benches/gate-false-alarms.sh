#!/usr/bin/env bash
# How often does the gate on build times cry wolf, and how often does it miss? Jobs as CI runs them, `tonnage run
# --against` and `tonnage check`, on the tiny bases: first A/A, where base and head are the same, then with a head whose
# cold build takes 30 % longer by a known sleep.
#
#   benches/gate-false-alarms.sh [JOBS]          of each kind, 20 unless told: about an hour on a quiet machine
#
# The engine is DOCKER_HOST's, else the one that scripts/engine.sh finds. TONNAGE=FILE takes a program that is there
# already; VARIANTS (python3.9-slim,python3.9-alpine) and ROUNDS (as many as the verdicts need) make jobs smaller. PIP
# (1.0) is how many seconds the fake pip takes: where the engine ends layers at whole seconds, 30 % must be more than one
# second to be judged at all, so 4.0 are wanted there.
# Fails where an A/A job fails, or where fewer than 80 % of the slower heads are found.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

jobs=${1:-20}
variants=${VARIANTS:-python3.9-slim,python3.9-alpine} pip=${PIP:-1.0}
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die "\`$jobs\` is not a number of jobs"
[[ $pip =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "\`$pip\` is not a number of seconds"
need git jq
if [ -z "${DOCKER_HOST:-}" ]; then
    DOCKER_HOST=$("$root/scripts/engine.sh")
    export DOCKER_HOST
fi
"$root/tests/support/tiny.sh" >&2
release_program

work=$(mktemp -d "$cache/false-alarms.XXXXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
export XDG_STATE_HOME=$work/state
cp -r "$root/tests/fixtures/tiny-suite" "$work/suite"
cd "$work"
printf '\n[gate.timing]\nmode = "gate"\nscenarios = ["cold", "src"]\n' >>suite/tonnage.toml

# pip_takes SECONDS: how long the fake pip of every variant sleeps.
pip_takes() {
    sed -i -E "s/^RUN (FAKE_PIP_SLEEP=[0-9.]+ )?pip/RUN FAKE_PIP_SLEEP=$1 pip/" suite/*/Dockerfile
}

pip_takes "$pip"
git init --quiet
git add suite
git -c user.name=bench -c user.email=bench@example.org -c commit.gpgsign=false commit --quiet --message base

# job KIND NUMBER: one job; its exit code is in `status`, its verdicts in $out/gate.json.
job() {
    out=$work/${1//\//}-$2
    options=(--against HEAD --only "$variants" --scenarios 'cold,src' --no-serve --no-twin --seed "$2" --out "$out")
    [ -z "${ROUNDS:-}" ] || options+=(--rounds "$ROUNDS")
    "$tonnage" --quiet run suite "${options[@]}" >"$out.log" 2>&1 || {
        tail -n 20 "$out.log" >&2
        die "job $2 could not be measured"
    }
    status=0
    "$tonnage" --quiet check "$out" --suite suite --allow-vanished --output "json=$out/gate.json" >"$out.txt" || status=$?
    jq -r --arg kind "$1" --arg number "$2" --arg status "$status" \
        '[.timings[] | "\(.variant) \(.scenario) \(.verdict) \((.ratio - 1) * 1000 | round / 10) %"]
        | "\($kind) \($number): exit \($status); \(join("; "))"' "$out/gate.json"
}

alarms=0 unclear=0
for number in $(seq "$jobs"); do
    job A/A "$number"
    case $status in
    0) ;;
    1) alarms=$((alarms + 1)) ;;
    4) unclear=$((unclear + 1)) ;;
    *) die "\`tonnage check\` exited with $status" ;;
    esac
done

# The median cold build of all that was measured, and a sleep that is longer by 30 % of it.
longer=$(cat "$work"/AA-*/run.json | jq -s --argjson pip "$pip" '[.[].samples[]
    | select(.scenario == "cold" and .valid) | .wall_ns] | sort | .[length / 2 | floor] / 1e9 * 0.3 + $pip
    | . * 1000 | round / 1000')
pip_takes "$longer"
found=0 slower=0
for number in $(seq "$jobs"); do
    job slower "$number"
    # Each variant's cold build is one that ought to be called slower.
    slower=$((slower + $(jq '[.timings[] | select(.scenario == "cold")] | length' "$out/gate.json")))
    of_job=$(jq '[.timings[] | select(.scenario == "cold" and .verdict == "slower")] | length' "$out/gate.json")
    [ "$of_job" = 0 ] || [ "$status" = 1 ] || die "\`tonnage check\` found a slower build and exited with $status"
    found=$((found + of_job))
done

echo "A/A: $alarms of $jobs jobs failed, $unclear were inconclusive"
echo "+30 % (pip takes $longer s instead of $pip s): $found of $slower slower builds found"
[ "$alarms" = 0 ] || die "the gate raised a false alarm"
[ $((found * 100)) -ge $((slower * 80)) ] || die "the gate misses more than a fifth of what is 30 % slower"
