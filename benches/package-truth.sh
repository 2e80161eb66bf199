#!/usr/bin/env bash
# Are the package tables right? For images on the engine at DOCKER_HOST: what tonnage finds in the layers against what
# dpkg, apk and Python say inside a container, as a Markdown table. Exit code 1 where they disagree.
#
#   benches/package-truth.sh [IMAGE]...    the images have Python; without one, the Flask suite's four are built, and
#                                          `tonnage clean` removes them in the end
#
# TONNAGE=FILE is the program; without it a release build.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

need_python
need docker=docker.io
DOCKER_HOST=${DOCKER_HOST:-$("$root/scripts/engine.sh")}
export DOCKER_HOST
release_program
work=$cache/package-truth
rm -rf --one-file-system "$work"
mkdir -p "$work"

images=("$@") names=("$@")
if [ ${#images[@]} -eq 0 ]; then
    suite_options flask-blog
    trap '"$tonnage" --quiet clean >&2' EXIT
    "$tonnage" run "$root/variants/flask-blog" --sizes-only --keep --out "$work/run" "${options[@]}" >&2
    field() {
        "$python" -c 'import json, sys
for variant in json.load(open(sys.argv[1]))["variants"]:
    print(variant[sys.argv[2]])' "$work/run/run.json" "$1"
    }
    mapfile -t images < <(field image_id)
    mapfile -t names < <(field name)
fi

status=0
echo "| image | manager | packages | bytes in the layers | bytes in the container | installed size by its own word | ÷ |"
echo "|---|---|---:|---:|---:|---:|---:|"
for index in "${!images[@]}"; do
    image=${images[index]}
    say "${names[index]}"
    "$tonnage" weigh "$image" --no-wire --no-duplicates --top 10000000 --format json >"$work/weighed.json"
    docker run --rm --interactive --network none --user 0 --entrypoint python "$image" - inside \
        <"$root/benches/package_truth.py" >"$work/inside.json"
    "$python" "$root/benches/package_truth.py" compare "${names[index]}" "$work/weighed.json" "$work/inside.json" ||
        status=1
done
exit $status
