#!/usr/bin/env bash
# The steps of the GitHub Action (action.yml), one per call. All that they need is in the environment, so that nothing
# from a pull request is ever part of a script: TONNAGE_SUITE, TONNAGE_IMAGE, TONNAGE_RUN_ARGUMENTS,
# TONNAGE_CHECK_ARGUMENTS, TONNAGE_AGAINST, TONNAGE_RECORD, TONNAGE_BINARY, TONNAGE_BUILD, TONNAGE_RELEASES,
# TONNAGE_SHA256, and what GitHub sets.
#
#   action.sh source    how the program is obtained, its path, and the key of the cache
#   action.sh download  the program from the release of the Action's own version; its digest is checked
#   action.sh build     the program from the Action's own source
#   action.sh measure   tonnage run, or tonnage weigh for images that are built
#   action.sh judge     tonnage check: annotations, step summary, files, and the proposed baseline
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

fail() {
    printf '::error title=tonnage::%s\n' "$1"
    exit 1
}

for variable in TONNAGE_SUITE TONNAGE_AGAINST TONNAGE_RECORD TONNAGE_BINARY TONNAGE_INCONCLUSIVE TONNAGE_BUILD \
    TONNAGE_RELEASES TONNAGE_SHA256; do
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
    if [ -n "${TONNAGE_BINARY:-}" ]; then
        output way given
        output binary "$TONNAGE_BINARY"
    elif [ "${TONNAGE_BUILD:-false}" = true ]; then
        output way build
        output binary "$folder/bin/tonnage"
    else
        output way download
        output binary "$RUNNER_TEMP/tonnage-program/tonnage"
    fi
    ;;
download)
    version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$source/Cargo.toml")
    repository=$(sed -n 's/^repository = "\(.*\)"/\1/p' "$source/Cargo.toml")
    releases=${TONNAGE_RELEASES:-$repository/releases/download/v$version}
    case $(uname -s)-$(uname -m) in
    Linux-x86_64) target=x86_64-unknown-linux-musl ;;
    Linux-aarch64) target=aarch64-unknown-linux-musl ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    *) fail "there is no program for this runner, $(uname -s) on $(uname -m): set \`binary\`, or \`build: true\`" ;;
    esac
    name=tonnage-v$version-$target
    folder=$(dirname "$TONNAGE_BINARY")
    rm -rf "$folder"
    mkdir -p "$folder"
    get() {
        curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$folder/$1" "$releases/$1" ||
            fail "cannot download $releases/$1: set \`binary\`, or \`build: true\` with Rust on the runner"
    }
    get "$name.tar.gz"
    expected=${TONNAGE_SHA256:-}
    if [ -z "$expected" ]; then
        get SHA256SUMS
        expected=$(awk -v name="$name.tar.gz" '$2 == name || $2 == "*" name { print $1 }' "$folder/SHA256SUMS")
    fi
    sum=(sha256sum)
    command -v sha256sum >/dev/null || sum=(shasum -a 256)
    actual=$("${sum[@]}" "$folder/$name.tar.gz" | cut -d ' ' -f 1)
    if [ "$actual" != "$expected" ]; then
        rm -rf "$folder"
        fail "$name.tar.gz has the SHA-256 $actual and not ${expected:-one that SHA256SUMS names}: it was not unpacked"
    fi
    tar -xzf "$folder/$name.tar.gz" -C "$folder" --strip-components 1 "$name/tonnage"
    "$TONNAGE_BINARY" --version
    ;;
build)
    command -v cargo >/dev/null ||
        fail "cargo is missing: install Rust before this step, or leave \`build\` out to download the program"
    cargo install --quiet --locked --path "$source" --root "$(dirname "$(dirname "$TONNAGE_BINARY")")" \
        --target-dir "$RUNNER_TEMP/tonnage-target"
    ;;
measure)
    if [ -n "${TONNAGE_IMAGE:-}" ]; then
        split "$TONNAGE_IMAGE"
        mkdir -p "$results"
        "$TONNAGE_BINARY" weigh --format json -- "${arguments[@]}" >"$results/weighed.json"
        exit 0
    fi
    split "${TONNAGE_RUN_ARGUMENTS:-}"
    [ -z "${TONNAGE_AGAINST:-}" ] || arguments+=("--against=$TONNAGE_AGAINST")
    status=0
    "$TONNAGE_BINARY" run --out "$results" "${arguments[@]}" -- "$TONNAGE_SUITE" || status=$?
    # 5: a variant does not build or serve; the record says so, and the gate judges it.
    [ "$status" = 0 ] || [ "$status" = 5 ] || exit "$status"
    ;;
judge)
    record=${TONNAGE_RECORD:-$results}
    if [ -z "${TONNAGE_RECORD:-}" ] && [ -n "${TONNAGE_IMAGE:-}" ]; then
        record=$results/weighed.json
    fi
    split "${TONNAGE_CHECK_ARGUMENTS:-}"
    mkdir -p "$results"
    status=0
    "$TONNAGE_BINARY" check "--suite=$TONNAGE_SUITE" --format github \
        --output "markdown=$results/gate.md" --output "json=$results/gate.json" \
        --output "junit=$results/gate.xml" --output "sarif=$results/gate.sarif" \
        "${arguments[@]}" -- "$record" || status=$?
    # What would be committed if a maintainer accepted this measurement, on top of the baseline that was used.
    before=$(sed -n 's/^  "baseline": "\(.*\)",$/\1/p' "$results/gate.json" 2>/dev/null) || before=
    rm -f "$results/tonnage-baseline.json"
    [ ! -f "$before" ] || cp "$before" "$results/tonnage-baseline.json"
    "$TONNAGE_BINARY" --quiet baseline accept "--suite=$TONNAGE_SUITE" \
        "--baseline=$results/tonnage-baseline.json" --reason "accepted in CI" -- "$record" >/dev/null ||
        warn "there is no proposal of a baseline: the record cannot be accepted"
    output exit-code "$status"
    output record "$record"
    output folder "$results"
    ;;
comment)
    number=$(jq -r '.pull_request.number // empty' "${GITHUB_EVENT_PATH:?GitHub sets it}")
    if [ -z "$number" ] || [ ! -s "$results/gate.md" ]; then
        exit 0
    fi
    if jq -e '.pull_request | .head.repo.full_name != .base.repo.full_name' "$GITHUB_EVENT_PATH" >/dev/null; then
        echo "::notice title=tonnage::no comment: the pull request is from a fork; the artifact has the proposed baseline"
        exit 0
    fi
    marker=$(head -n 1 "$results/gate.md")
    comments=repos/${GITHUB_REPOSITORY:?GitHub sets it}/issues/$number/comments
    # Only a comment of this token's own account is written over: anybody can write one with the marker.
    me=$(gh api user --jq .login 2>/dev/null) || me='github-actions[bot]'
    export marker me
    mine='.[] | select(.user.login == env.me and (.body | startswith(env.marker))) | .id'
    run=${GITHUB_SERVER_URL:-https://github.com}/$GITHUB_REPOSITORY/actions/runs/${GITHUB_RUN_ID:-}
    jq -Rs --arg run "$run" '{body: (. + "\nTo accept from here: commit `tonnage-baseline.json` of [this run\u0027s artifact](" + $run + ").\n")}' "$results/gate.md" \
        >"$results/comment.json"
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
    echo "usage: action.sh source|download|build|measure|judge|comment|end" >&2
    exit 2
    ;;
esac
