#!/usr/bin/env bash
# Sees to it that the engine has bases for the Flask suite: the official images python:3.9, python:3.9-slim and
# python:3.9-alpine, pulled when they are missing; or stand-ins for all three when no registry answers.
# Prints one word: `registry` or `stand-in`.
#
#   scripts/bases.sh        the engine is DOCKER_HOST or found by engine.sh
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

first_answer=20 # seconds without a byte until a registry counts as not there
whole_pull=1200 # seconds for one image
need curl
if [ -z "${DOCKER_HOST:-}" ]; then
    DOCKER_HOST=$("$root/scripts/engine.sh")
    export DOCKER_HOST
fi

is_present() {
    engine_call "/images/python:$1/json" --max-time 30 --output /dev/null 2>/dev/null
}

# pull TAG: no output while the engine waits for a registry, then a line of progress every moment.
pull() {
    local answer
    say "python:$1: pulling (waiting at most $first_answer s for a registry)"
    answer=$(engine_curl "/images/create?fromImage=docker.io/library/python&tag=$1" --silent --show-error -X POST \
        --speed-limit 1 --speed-time $first_answer --max-time $whole_pull 2>&1 | tail -c 2000) || true
    if is_present "$1"; then
        return 0
    fi
    say "python:$1: cannot be pulled: $(tail -n 1 <<<"$answer" | cut -c 1-300)"
    return 1
}

for tag in 3.9 3.9-slim 3.9-alpine; do
    if is_present "$tag"; then
        say "python:$tag is in the engine already"
    elif ! pull "$tag"; then
        say "using stand-ins for the official images"
        "$root/tests/standins/make.sh" all >&2
        echo stand-in
        exit
    fi
done
echo registry
