# shellcheck shell=bash
# What every script of this folder shares: where things are, how progress and errors look, how missing commands
# get installed, and how the container engine is spoken to. Sourced, never run.

set -euo pipefail
umask 022
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything that may be made again is kept here between runs. An absolute path, so scripts may change directory.
cache=${TONNAGE_CACHE:-$root/.cache}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
export TONNAGE_CACHE=$cache
# One moment for every file and image made here: 9 July 2021, when the official images that the stand-ins stand
# in for were published. It makes the results the same byte for byte.
export SOURCE_DATE_EPOCH=1625788800
# The start of the outermost script in microseconds; the scripts it calls go on counting from there.
export TONNAGE_STARTED=${TONNAGE_STARTED:-${EPOCHREALTIME/[.,]/}}

# say TEXT...: one line of progress on stderr, with the seconds since the start.
say() {
    local now=${EPOCHREALTIME/[.,]/}
    local tenths=$(((now - TONNAGE_STARTED) / 100000))
    printf '[%4d.%ds] %s\n' $((tenths / 10)) $((tenths % 10)) "$*" >&2
}

# die ERROR [HINT...]: what went wrong, what to do about it, and the end.
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    local hint
    for hint; do printf 'hint: %s\n' "$hint" >&2; done
    exit 1
}

# can_install: root on a Debian-like system, where missing commands are installed without asking.
can_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null
}

# need ITEM...: makes sure that commands and files are there. An item is COMMAND, COMMAND=PACKAGE or
# /path/of/a/file=PACKAGE (a pattern may stand in the path), PACKAGE being Debian's name.
need() {
    local item missing=()
    for item; do
        is_there "${item%%=*}" || missing+=("${item#*=}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! can_install; then
        die "missing on this machine: ${missing[*]}" \
            "install these packages (Debian's names), as root: \`apt-get install ${missing[*]}\`"
    fi
    apt_install "${missing[@]}"
    for item; do
        is_there "${item%%=*}" || die "\`${item%%=*}\` is still missing after installing \`${item#*=}\`" \
            "see why with \`apt-get install ${item#*=}\`"
    done
}

# need_python: makes sure of Python 3 and puts the path of the program itself into `python` (a version manager's shim
# of that name takes a quarter of a second each time).
need_python() {
    if [ -z "${TONNAGE_PYTHON:-}" ]; then
        need python3
        TONNAGE_PYTHON=$(python3 -c 'import sys; print(sys.executable)')
        export TONNAGE_PYTHON
    fi
    python=$TONNAGE_PYTHON
}

# need_rust: makes sure of cargo (which no package of Debian has new enough) and a C compiler for the crates that
# want one.
need_rust() {
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    command -v cargo >/dev/null || die "\`cargo\` is missing" \
        "install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml") or newer, see https://rustup.rs"
    need cc=gcc /usr/include/stdio.h=libc6-dev
}

# release_program: puts into `tonnage` the path of the program: that of TONNAGE, else of a release build.
release_program() {
    tonnage=${TONNAGE:-}
    if [ -z "$tonnage" ]; then
        need_rust
        say "cargo build --release"
        cargo build --release --locked --manifest-path "$root/Cargo.toml" >&2
        tonnage=${CARGO_TARGET_DIR:-$root/target}/release/tonnage
    fi
    tonnage=$(realpath "$tonnage")
}

# unpack_debian FOLDER PACKAGE...: Debian's packages unpacked into the folder, once, and not installed: installing a
# server would start it on all interfaces. Runs at once fetch it once.
unpack_debian() (
    folder=$1
    shift
    exec 8>"$folder.lock"
    flock 8
    [ ! -e "$folder" ] || return 0
    command -v apt-get >/dev/null || die "these packages of Debian are missing: $*" "install them with this system's package manager"
    say "fetching Debian's $*"
    rm -rf "$folder.part"
    mkdir -p "$folder.part"
    cd "$folder.part"
    apt_quietly download "$@" >"$cache/apt.log" 2>&1 || {
        apt_quietly update >>"$cache/apt.log" 2>&1 || true
        apt_quietly download "$@" >>"$cache/apt.log" 2>&1
    } || die "failed to fetch $*" "see \`$cache/apt.log\`"
    for package in *.deb; do dpkg-deb -x "$package" .; done
    mv "$folder.part" "$folder"
)

# unpack_suite FOLDER SUITE PACKAGE...: packages of another suite of Debian, unpacked into the folder; nothing is installed.
unpack_suite() (
    out=$1 suite=$2
    shift 2
    need apt-get=apt dpkg-deb=dpkg
    mirror=$(debian_mirror)
    work=$(scratch 600)
    trap 'rm -rf --one-file-system "$work"' EXIT
    mkdir -p "$work"/{state/lists/partial,cache/archives/partial,debs,root}
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
    : >"$work/status"
    # apt with lists and packages of its own: the machine's stay as they are
    apt=(apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State=$work/state"
        -o "Dir::Cache=$work/cache" -o "Dir::State::status=$work/status" -o APT::Sandbox::User=root
        -o Acquire::Retries=3)
    say "fetching $* of Debian's $suite"
    { "${apt[@]}" update && (cd "$work/debs" && "${apt[@]}" download "$@"); } \
        >"$cache/suite.log" 2>&1 || die "failed to fetch $* of Debian's $suite" \
        "the log is in \`$cache/suite.log\`; is the Debian archive reachable?"
    for package in "$work"/debs/*.deb; do
        dpkg-deb -x "$package" "$work/root"
    done
    mkdir -p "$(dirname "$out")"
    rm -rf --one-file-system "$out"
    mv "$work/root" "$out"
)

is_there() {
    case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# apt_install PACKAGE...: with the package lists as they are, and once more with new lists when that fails (there
# are none on a fresh machine, and old ones name packages that are gone). Several runs at once wait for each other.
apt_install() {
    local log=$cache/apt.log
    say "installing $*"
    (
        flock 8 # apt itself gives up at once where another run reads package lists
        apt_install_locked "$@"
    ) 8>"$cache/apt.lock"
}

apt_install_locked() {
    apt_quietly install --no-install-recommends "$@" >"$log" 2>&1 && return
    # an unreachable extra source must not stop us: whether the packages come is what counts
    apt_quietly update >>"$log" 2>&1 || true
    apt_quietly install --no-install-recommends "$@" >>"$log" 2>&1 && return
    tail -n 15 "$log" >&2
    die "failed to install $*" "the whole log is in \`$log\`; is the Debian archive reachable?"
}

apt_quietly() {
    DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null
}

# debian_mirror: the Debian archive that this machine installs from, out of apt's own configuration.
debian_mirror() {
    if [ -n "${TONNAGE_DEBIAN_MIRROR:-}" ]; then
        echo "$TONNAGE_DEBIAN_MIRROR"
        return
    fi
    local codename id release uri
    # shellcheck disable=SC2016  # apt's variables, not the shell's
    local format='$(RELEASE) $(REPO_URI)'
    # shellcheck source=/dev/null
    id=$(. /etc/os-release && echo "${ID:-}")
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    if [ "$id" = debian ]; then
        while read -r release uri; do
            case $release in "$codename" | stable) echo "${uri%/}" && return ;; esac
        done < <(apt-get indextargets --format "$format" 'Created-By: Packages' 'Component: main')
    fi
    die "apt's configuration names no Debian archive" \
        "say which one to use: \`TONNAGE_DEBIAN_MIRROR=http://HOST/debian\`"
}

# scratch MEGABYTES: the path of a new folder for work in progress, in memory where that much is free (unpacking
# and compiling are twice as fast there), else in the cache. The caller removes it.
scratch() {
    local free
    sweep_scratch
    free=$(df -Pm /dev/shm 2>/dev/null | awk 'NR==2 {print $4}') || true
    if [ -w /dev/shm ] && [ "${free:-0}" -gt "$1" ] && mem_available_over "$1"; then
        mktemp -d "/dev/shm/tonnage.XXXXXXXX"
    else
        mkdir -p "$cache/tmp"
        mktemp -d "$cache/tmp/work.XXXXXXXX"
    fi
}

# What a killed script has left behind. By age alone (the inode's: unpacking sets other times), as a folder in memory
# may be another container's, whose processes cannot be seen from here.
sweep_scratch() {
    find /dev/shm "$cache/tmp" -maxdepth 1 -user "$(id -u)" \( -name 'tonnage.????????' -o -name 'work.????????' \) \
        -cmin +720 -exec rm -rf --one-file-system {} + 2>/dev/null || true
}

mem_available_over() {
    [ "$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)" -gt $(($1 + 1024)) ]
}

# pack FOLDER FILE: a tar of what is in the folder, the same bytes for the same content.
pack() {
    tar --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
        -C "$1" -cf "$2.part" .
    mv "$2.part" "$2"
}

# engine_call PATH [CURL OPTION...]: one request to the engine named by DOCKER_HOST. The body is printed; an HTTP
# error is a failure (and its body is lost).
engine_call() {
    local path=$1
    shift
    engine_curl "$path" --fail --silent "$@"
}

# engine_curl PATH [CURL OPTION...]: the same without any opinion about the answer.
engine_curl() {
    local path=$1
    shift
    local host=${DOCKER_HOST:-unix:///var/run/docker.sock}
    case $host in
    unix://*) curl --noproxy '*' --unix-socket "${host#unix://}" "$@" "http://engine$path" ;;
    tcp://* | http://* | https://*)
        if [ -n "${DOCKER_TLS_VERIFY:-}" ] || [ "${host#https:}" != "$host" ]; then
            local certs=${DOCKER_CERT_PATH:-$HOME/.docker}
            curl --noproxy '*' --cacert "$certs/ca.pem" --cert "$certs/cert.pem" --key "$certs/key.pem" "$@" \
                "https://${host#*://}$path"
        else
            curl --noproxy '*' "$@" "http://${host#*://}$path"
        fi
        ;;
    *) return 2 ;; # npipe:// and ssh:// are not for curl
    esac
}

# engine_load TAG: loads the image archive that comes on standard input, which must be of that name. The image that
# had the name before goes, unless it has other names or uses.
engine_load() {
    local answer before now
    before=$(image_id_of "$1")
    answer=$(engine_curl '/images/load?quiet=1' --silent --show-error -X POST -H 'Content-Type: application/x-tar' \
        -H 'Expect:' --upload-file -) || die "the engine at \`${DOCKER_HOST:-}\` broke off while loading an image" \
        "is its disk full? \`df -h\`"
    case $answer in
    *'"error'* | *'"message"'*) die "the engine refused an image: $answer" "is its disk full? \`df -h\`" ;;
    esac
    now=$(image_id_of "$1")
    [ -n "$now" ] || die "the engine took \`$1\` and does not have it: $answer"
    if [ -n "$before" ] && [ "$before" != "$now" ] &&
        engine_call "/images/$before/json" 2>/dev/null | grep -E '"RepoTags":(\[\]|null)' >/dev/null; then
        engine_call "/images/$before" -X DELETE --output /dev/null 2>/dev/null || true # in use
    fi
}

# image_id_of NAME: the id that the engine has under that name, nothing when it has none.
image_id_of() {
    { engine_call "/images/$1/json" 2>/dev/null || true; } |
        grep -o '"Id": *"[^"]*"' | head -n 1 | cut -d '"' -f 4 || true
}

# What image.py makes: an image's config is all that tells one image from another.
image_py=$root/tests/standins/image.py

# image_id CONFIG: the id that an engine gives the image with this config.
image_id() {
    echo "sha256:$(sha256sum <"$1" | cut -d ' ' -f 1)"
}

# engine_holds TAG CONFIG: is the image with this config in the engine under this name?
engine_holds() {
    engine_call "/images/$1/json" 2>/dev/null | "$python" "$image_py" holds "$2" 2>/dev/null
}

# pip_setting NAME: what pip on this machine is told by its configuration files, the user's before the system's.
pip_setting() {
    local file
    for file in "${PIP_CONFIG_FILE:-}" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" "$HOME/.pip/pip.conf" \
        /etc/xdg/pip/pip.conf /etc/pip.conf; do
        if [ -n "$file" ] && [ -r "$file" ]; then
            sed -n "s/^[[:space:]]*$1[[:space:]]*[=:][[:space:]]*//p" "$file" | sed 's/[[:space:]]*$//' | tail -n 1
        fi
    done | head -n 1
}

# suite_options SUITE: puts into `options` what `tonnage run` needs for the suite on this machine: which bases there are
# on the engine at DOCKER_HOST, and how builds reach a package index.
suite_options() {
    local bases certificates index
    bases=$("$root/scripts/bases.sh" "$1")
    case $bases in
    registry) options=(--bases default) ;;
    stand-in) options=(--bases stand-in) ;;
    *) die "bases.sh answered \`$bases\`" ;;
    esac
    # A network that inspects TLS has a certificate authority of its own; where this machine's pip is told to trust
    # one, the pip in the builds must be too.
    certificates=${PIP_CERT:-$(pip_setting cert)}
    if [ -n "$certificates" ] && [ -r "$certificates" ]; then
        options+=(--ca-file "$certificates")
    fi
    index=${PIP_INDEX_URL:-$(pip_setting index-url)}
    [ -z "$index" ] || options+=(--site-env "PIP_INDEX_URL=$index")
}
