#!/usr/bin/env bash
# Improves the four Dockerfiles of the suite flask-blog, and makes results/improve/ of what came out: for each its record,
# the improved Dockerfile, and the chart, and README.md with all answers. tests/it/results.rs fails where they do not agree.
#
#   scripts/improve.sh          builds, on an engine that has the suite's base images
#   scripts/improve.sh report   from the committed records alone
#
# TONNAGE=FILE takes another `tonnage` than the one that is built here.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# = 0 ] || [ "$*" = report ] || die "the only argument is \`report\`" "usage: \`scripts/improve.sh [report]\`"
need jq patch
release_program
cd "$root"
suite=variants/flask-blog
results=results/improve
# The directory below results/improve, the variant, and which base images it may use instead, if any.
improvements=(
    'python3.9-glibc python3.9'
    'python3.9 python3.9 *-alpine'
    'python3.9-slim python3.9-slim *-alpine'
    'python3.9-alpine python3.9-alpine'
    'python3.9-alpine-multistage python3.9-alpine-multistage'
)
builds=
if [ $# = 0 ]; then
    builds=yes
    DOCKER_HOST=$(scripts/engine.sh)
    export DOCKER_HOST
    suite_options flask-blog
fi

trap 'rm -rf "$root/$results"/*.part' EXIT
for improvement in "${improvements[@]}"; do
    read -r name variant allowed <<<"$improvement"
    new=$results/$name.part
    rm -rf "$new"
    mkdir -p "$new"
    if [ -n "$builds" ]; then
        say "tonnage improve: $name"
        "$tonnage" improve "$suite" --variant "$variant" --goal size ${allowed:+--allow-base "$allowed"} "${options[@]}" --out "$new/run" >&2
        # Lists of files and packages fill a record, and nothing here shows them.
        jq 'del(.variants[] | .packages, .duplicates, .paths, .tree)' "$new/run/run.json" >"$new/run.json"
        rm -rf "$new/run"
    else
        cp "$results/$name/run.json" "$new/run.json"
    fi
    if jq --exit-status '.improved.patch' "$new/run.json" >/dev/null; then
        "$tonnage" report "$new" --export "$new/waterfall.svg" >/dev/null
        jq --raw-output '.improved.patch' "$new/run.json" |
            patch --quiet -p0 --output "$new/Dockerfile.improved" "$suite/$variant/Dockerfile"
    fi
    rm -rf "${results:?}/$name"
    mv "$new" "$results/$name"
done

{
    echo '# The Flask suite, improved'
    echo
    echo "What \`tonnage improve\` makes of the Dockerfiles of \`$suite\`. \`make improve\` makes these files."
    for improvement in "${improvements[@]}"; do
        read -r name variant allowed <<<"$improvement"
        printf '\n## %s\n\n' "$name"
        # shellcheck disable=SC2016  # They are Markdown's.
        printf '`tonnage improve %s --variant %s --goal size%s`\n\n' "$suite" "$variant" "${allowed:+ --allow-base '$allowed'}"
        "$tonnage" report "$results/$name" --format markdown
        if [ -e "$results/$name/waterfall.svg" ]; then
            printf '\n![What each remedy saves](%s/waterfall.svg)\n\n' "$name"
            printf '[The improved Dockerfile](%s/Dockerfile.improved)\n' "$name"
        fi
    done
} >"$results/README.md.part"
mv "$results/README.md.part" "$results/README.md"
say "$results is new: look at \`git diff --stat\` and commit it"
