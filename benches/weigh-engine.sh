#!/usr/bin/env bash
# What weighing an image of the engine costs, against a limit: `docker save IMAGE >/dev/null` only moves the bytes that
# `tonnage weigh` reads, hashes, compresses and accounts for. Everything is on.
#
#   benches/weigh-engine.sh [IMAGE] [ROUNDS]      default: tonnage-standin/python:3.9, 9 rounds after one discarded
#
# Each round runs `weigh --via export`, `weigh --via store` and `docker save`, in an order that turns with the rounds, so
# that a machine which slows down slows all of them. A ratio is the median of the rounds' own ratios. Prints a Markdown
# table and ends with 1 when a limit is missed; raw figures go to standard error. TONNAGE=FILE takes another program
# than target/release/tonnage; the engine is DOCKER_HOST. `--via store` needs root on the engine's host.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

image=${1:-tonnage-standin/python:3.9} rounds=${2:-9}
tonnage=${TONNAGE:-$root/target/release/tonnage}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || die "\`$rounds\` is not a number of rounds" "usage: benches/weigh-engine.sh [IMAGE] [ROUNDS]"
need /usr/bin/time=time docker=docker.io python3
[ -x "$tonnage" ] || die "\`$tonnage\` is not there" "\`cargo build --release\`, or TONNAGE=FILE"
docker image inspect "$image" >/dev/null || die "the engine has no image \`$image\`" "\`tests/standins/make.sh\` makes the stand-ins"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# timed WAY ROUND COMMAND...: one line of WAY, ROUND, wall seconds, user and system seconds, peak memory in KiB.
timed() {
    local way=$1 round=$2
    shift 2
    /usr/bin/time --quiet --format "$way $round %e %U %S %M" --output "$work/one" "$@" >"$work/$way.json" ||
        die "\`$*\` failed" "run it by hand"
    cat "$work/one" >&2
    [ "$round" = 0 ] || cat "$work/one" >>"$work/all"
}

measure() {
    case $1 in
    export | store) timed "$1" "$2" "$tonnage" --quiet weigh "$image" --via "$1" --format json ;;
    save) timed save "$2" docker save "$image" && : >"$work/save.json" ;;
    esac
}

ways=(export store save)
for round in $(seq 0 "$rounds"); do
    for turn in 0 1 2; do
        measure "${ways[(round + turn) % 3]}" "$round"
    done
done
# The way is the only thing in which the two may differ.
if ! cmp -s <(sed 's/"via": "store"/"via": "export"/' "$work/store.json") "$work/export.json"; then
    die "\`$image\` weighs otherwise in place than by its export" "run both with \`--format json\` and compare"
fi

python3 - "$image" "$work/all" <<'PYTHON'
import collections, statistics, sys

image, path = sys.argv[1:]
runs = collections.defaultdict(dict)
for line in open(path):
    way, number, *figures = line.split()
    runs[way][int(number)] = [float(figure) for figure in figures]
limits = {"export": 1.05, "store": 0.15}
missed = []
names = {"export": "`tonnage weigh --via export`", "store": "`tonnage weigh --via store`", "save": "`docker save >/dev/null`"}
print(f"`{image}`, {len(runs['save'])} rounds, medians (smallest–largest)\n")
print("| | wall | ÷ `docker save` | limit | CPU of the client | peak memory of the client |")
print("| --- | ---: | ---: | ---: | ---: | ---: |")
for way in ("export", "store", "save"):
    wall = [run[0] for run in runs[way].values()]
    cpu = statistics.median(run[1] + run[2] for run in runs[way].values())
    memory = max(run[3] for run in runs[way].values()) * 1024 / 1e6
    ratios = [run[0] / runs["save"][number][0] for number, run in runs[way].items()]
    ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f})" if way != "save" else "1"
    limit = f"≤ {limits[way]}" if way in limits else ""
    if way in limits and statistics.median(ratios) > limits[way]:
        missed.append(way)
    print(f"| {names[way]} | {statistics.median(wall):.2f} s ({min(wall):.2f}–{max(wall):.2f}) | {ratio} | {limit} "
          f"| {cpu:.2f} s | {memory:.0f} MB |")
if missed:
    sys.exit(f"above the limit: {', '.join(missed)}")
PYTHON
