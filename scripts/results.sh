#!/usr/bin/env bash
# Makes the committed results of a suite anew from the record of a run: results/SUITE/latest/, and for the suite
# flask-blog the table and chart of README.md. Takes a run's folder, or the newest complete run below results/SUITE/; with
# `latest` itself everything but the record is made again. tests/it/results.rs fails where they are not what the record
# says.
#
#   [SUITE=python-2026] scripts/results.sh [FOLDER OF A RUN]        (default: flask-blog)
#
# TONNAGE=FILE takes another `tonnage` than the one that is built here.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -le 1 ] || die "too many arguments" "usage: \`scripts/results.sh [FOLDER OF A RUN]\`"
need jq
name=${SUITE:-flask-blog}
suite=$root/results/$name
latest=$suite/latest

# complete FOLDER: does it hold a whole run of the suite, all variants and scenarios included?
variants=$(find "$root/variants/$name" -mindepth 2 -maxdepth 2 -name Dockerfile | wc -l)
complete() {
    jq --exit-status --argjson variants "$variants" --arg name "${name##*/}" '
        .suite.name == $name and .ended == "complete" and (.variants | length) == $variants and
        ([.samples[].scenario] | contains(["cold", "warm", "src", "deps"]))' "$1/run.json" >/dev/null 2>&1
}

if [ $# = 1 ]; then
    run=$1
    [ -f "$run/run.json" ] || die "there is no \`run.json\` in \`$run\`" "name the folder of a run"
    complete "$run" || die "\`$run\` is not a complete run of the suite \`$name\`" \
        "\`make bench\` makes one, \`tonnage run variants/$name --resume $run\` goes on with one"
else
    run=
    for folder in "$suite"/[0-9]*T[0-9]*/; do # sorted by time, as their names are
        if complete "$folder"; then run=${folder%/}; fi
    done
    [ -n "$run" ] || die "there is no complete run below \`results/$name\`" "\`make bench\` makes one"
fi
run=$(cd "$run" && pwd)

release_program

say "the record is $run/run.json"
# Made in a folder of its own, which then takes the place of the old one: a chart may be gone. No trend is drawn there:
# it would change with every run, and not with the record.
new=$suite/latest.part
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/latest"
cp "$run/run.json" "$new/latest/run.json"
"$tonnage" report "$new/latest" --out "$new/latest" >/dev/null
# They show the same as the SVG, and the repository keeps every version of them.
rm -f "$new"/latest/charts/*.png
rm -rf "$latest"
mv "$new/latest" "$latest"

# From the repository's root: the links in README.md begin there.
cd "$root"
if [ "$name" = flask-blog ]; then
    "$tonnage" report results/flask-blog/latest --into README.md >/dev/null
fi
say "results/$name/latest is new, and README.md with flask-blog: look at \`git diff --stat\` and commit it"
