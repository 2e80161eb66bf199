#!/usr/bin/env bash
# The steps of the GitHub Action (action.yml), one a call. All they are told is in the environment, so that nothing
# from a pull request is ever part of a script: TONNAGE_SUITE, TONNAGE_RUN_ARGUMENTS, TONNAGE_CHECK_ARGUMENTS,
# TONNAGE_AGAINST, TONNAGE_RECORD, TONNAGE_BINARY, and what GitHub sets.
#
#   action.sh source    the key of the cache and the path of the program
#   action.sh build     the program from the Action's own source
#   action.sh measure   tonnage run
#   action.sh judge     tonnage check: annotations, step summary, files
#   action.sh comment   one comment on the pull request, written anew each time; needs GH_TOKEN
#   action.sh end       the gate's exit code, TONNAGE_EXIT_CODE; 4 is none where TONNAGE_INCONCLUSIVE is `pass`
set -euo pipefail

source=${GITHUB_ACTION_PATH:?GitHub sets it}
results=${RUNNER_TEMP:?GitHub sets it}/tonnage-results

# A value may have line breaks, which would begin further outputs: it ends at a line that nobody can know beforehand.
output() {
    local end
    end=$(od -A n -N 16 -t x1 /dev/urandom | tr -d ' \n')
    printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"${GITHUB_OUTPUT:?GitHub sets it}"
}

warn() {
    printf '::warning title=tonnage::%s\n' "$1"
}

for variable in TONNAGE_SUITE TONNAGE_AGAINST TONNAGE_RECORD TONNAGE_BINARY TONNAGE_INCONCLUSIVE; do
    case ${!variable:-} in
    *[$'\n\r']*)
        name=${variable#TONNAGE_}
        echo "::error title=tonnage::\`${name,,}\` has a line break: give one value (in YAML, do not write \`${name,,}: |\`)"
        exit 2
        ;;
    esac
done

# Splits at blanks and line breaks, of all lines.
split() {
    read -r -d '' -a arguments <<<"$1" || true
}

case ${1:-} in
source)
    # What the program is made of decides whether one that was built before is the same.
    key=$(cd "$source" && find Cargo.toml Cargo.lock assets crates src -type f -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum | sha256sum | cut -c 1-32)
    folder=$HOME/.cache/tonnage-action
    output key "$key"
    output folder "$folder"
    output binary "${TONNAGE_BINARY:-$folder/bin/tonnage}"
    ;;
build)
    command -v cargo >/dev/null || {
        echo "::error title=tonnage::cargo is missing: install Rust before this step, or give \`binary\`"
        exit 1
    }
    # The last few percent of speed are not worth minutes of every first job.
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
    cargo install --quiet --locked --path "$source" --root "$(dirname "$(dirname "$TONNAGE_BINARY")")" \
        --target-dir "$RUNNER_TEMP/tonnage-target"
    ;;
measure)
    split "${TONNAGE_RUN_ARGUMENTS:-}"
    [ -z "${TONNAGE_AGAINST:-}" ] || arguments+=("--against=$TONNAGE_AGAINST")
    status=0
    "$TONNAGE_BINARY" run --out "$results" "${arguments[@]}" -- "$TONNAGE_SUITE" || status=$?
    # 5: a variant does not build or serve; the record says so, and the gate judges it.
    [ "$status" = 0 ] || [ "$status" = 5 ] || exit "$status"
    ;;
judge)
    record=${TONNAGE_RECORD:-$results}
    split "${TONNAGE_CHECK_ARGUMENTS:-}"
    mkdir -p "$results"
    status=0
    "$TONNAGE_BINARY" check "--suite=$TONNAGE_SUITE" --format github \
        --output "markdown=$results/gate.md" --output "json=$results/gate.json" \
        --output "junit=$results/gate.xml" "${arguments[@]}" -- "$record" || status=$?
    output exit-code "$status"
    output record "$record"
    output folder "$results"
    ;;
comment)
    number=$(jq -r '.pull_request.number // empty' "${GITHUB_EVENT_PATH:?GitHub sets it}")
    if [ -z "$number" ] || [ ! -s "$results/gate.md" ]; then
        exit 0
    fi
    marker=$(head -n 1 "$results/gate.md")
    comments=repos/${GITHUB_REPOSITORY:?GitHub sets it}/issues/$number/comments
    # Only a comment of this token's own account is written over: anybody can write one with the marker.
    me=$(gh api user --jq .login 2>/dev/null) || me='github-actions[bot]'
    export marker me
    mine='.[] | select(.user.login == env.me and (.body | startswith(env.marker))) | .id'
    jq -Rs '{body: .}' "$results/gate.md" >"$results/comment.json"
    if id=$(gh api --paginate "$comments" --jq "$mine" | head -n 1) && [ -n "$id" ]; then
        call=(--method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id")
    else
        call=(--method POST "$comments")
    fi
    gh api "${call[@]}" --input "$results/comment.json" --silent ||
        warn "the token may not write comments here (it never may for a pull request from a fork): see the step summary"
    ;;
end)
    if [ "$TONNAGE_EXIT_CODE" = 4 ] && [ "${TONNAGE_INCONCLUSIVE:-fail}" = pass ]; then
        exit 0
    fi
    exit "$TONNAGE_EXIT_CODE"
    ;;
*)
    echo "usage: action.sh source|build|measure|judge|comment|end" >&2
    exit 2
    ;;
esac
