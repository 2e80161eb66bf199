#!/usr/bin/env bash
# Sees to it that the engine has the base images of a suite: the official ones, pulled when they are missing; or
# stand-ins for all of them when no registry answers. Prints one word: `registry` or `stand-in`.
#
#   scripts/bases.sh [SUITE]        flask-blog (default), python-2026, or published/NAME; the
#                                   engine is DOCKER_HOST or found by engine.sh
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

first_answer=20 # seconds without a byte until a registry counts as not there
whole_pull=1200 # seconds for one image
case ${1:-flask-blog} in
flask-blog) references=(python:3.9 python:3.9-slim python:3.9-alpine) stand_ins=(all) ;;
python-2026)
    references=(python:3.13 python:3.13-slim python:3.13-alpine gcr.io/distroless/python3-debian13:nonroot)
    stand_ins=(2026)
    ;;
published/alpine-python) references=(python:3.8-slim python:3.8-alpine) stand_ins=(slim-3.13 alpine-3.13) ;;
published/fastapi-tasks)
    references=(python:3.12 python:3.12-slim python:3.12-alpine)
    stand_ins=(full-3.13 slim-3.13 alpine-3.13)
    ;;
*) die "no base images are known for the suite \`$1\`" ;;
esac
need curl
if [ -z "${DOCKER_HOST:-}" ]; then
    DOCKER_HOST=$("$root/scripts/engine.sh")
    export DOCKER_HOST
fi

is_present() {
    engine_call "/images/$1/json" --max-time 30 --output /dev/null 2>/dev/null
}

# pull REFERENCE: no output while the engine waits for a registry, then a line of progress every moment.
pull() {
    local answer name=${1%:*}
    case $name in */*) ;; *) name=docker.io/library/$name ;; esac
    say "$1: pulling (waiting at most $first_answer s for a registry)"
    answer=$(engine_curl "/images/create?fromImage=$name&tag=${1##*:}" --silent --show-error -X POST \
        --speed-limit 1 --speed-time $first_answer --max-time $whole_pull 2>&1 | tail -c 2000) || true
    if is_present "$1"; then
        return 0
    fi
    say "$1: cannot be pulled: $(tail -n 1 <<<"$answer" | cut -c 1-300)"
    return 1
}

for reference in "${references[@]}"; do
    if is_present "$reference"; then
        say "$reference is in the engine already"
    elif ! pull "$reference"; then
        say "using stand-ins for the official images"
        "$root/tests/standins/make.sh" "${stand_ins[@]}" >&2
        echo stand-in
        exit
    fi
done
echo registry
