#!/usr/bin/env bash
# Builds what a release publishes into dist/, and checks it.
#
#   scripts/dist.sh             x86_64 and aarch64 Linux, the image, the Debian package
#   scripts/dist.sh TARGET      only the archive of one target, such as aarch64-apple-darwin on a Mac
#
# Linux programs are static (musl). Where rustup cannot install the musl targets, they are linked with glibc 2.17
# (TONNAGE_DIST_LIBC=gnu asks for that). zig is the C compiler and the linker for both, so that no system library of this
# machine gets in. zig and cargo-zigbuild come from PyPI; cargo-auditable and cargo-deb from crates.io.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zig='cargo-zigbuild==0.24.1
ziglang==0.17.1'
tools=$cache/dist
dist=$root/dist
cd "$root"
version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
TONNAGE_COMMIT=$(git rev-parse HEAD 2>/dev/null) || TONNAGE_COMMIT=
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || TONNAGE_COMMIT+=-modified
export TONNAGE_COMMIT

# tool NAME VERSION: a program from crates.io, built once.
tool() {
    [ -x "$tools/$1-$2/bin/$1" ] || {
        say "building $1 $2"
        cargo install --quiet --locked --root "$tools/$1-$2" --target-dir "$tools/target" "$1@$2"
    }
    PATH=$tools/$1-$2/bin:$PATH
}

need_zig() {
    need_python
    "$python" -c 'import ensurepip' 2>/dev/null || need "/usr/lib/python3*/ensurepip/__init__.py=python3-venv"
    if [ "$(cat "$tools/zig/requirements.txt" 2>/dev/null)" != "$zig" ]; then
        say "installing zig and cargo-zigbuild"
        rm -rf --one-file-system "$tools/zig"
        "$python" -m venv "$tools/zig"
        printf '%s\n' "$zig" >"$tools/zig/wanted.txt"
        "$tools/zig/bin/pip" install --quiet --disable-pip-version-check -r "$tools/zig/wanted.txt"
        mv "$tools/zig/wanted.txt" "$tools/zig/requirements.txt"
    fi
    PATH=$tools/zig/bin:$PATH
}

# compile TARGET: the program for a target, with its dependencies listed inside. Prints its path.
compile() {
    local glibc=
    case $1 in *-linux-gnu) glibc=.2.17 ;; esac
    say "compiling for $1"
    case $1 in
    *-linux-*) cargo auditable zigbuild --quiet --locked --profile dist --bin tonnage --target "$1$glibc" >&2 ;;
    *) cargo auditable build --quiet --locked --profile dist --bin tonnage --target "$1" >&2 ;;
    esac
    echo "${CARGO_TARGET_DIR:-target}/$1/dist/tonnage"
}

# stage TARGET PROGRAM: what an archive holds, in the directory of its name. Pages and completions are the same on
# every machine: a program that runs here writes them.
stage() {
    local name=tonnage-v$version-$1 command shell
    local to=$dist/stage/$name
    mkdir -p "$to/man" "$to/completions"
    install -m 755 "$2" "$to/tonnage"
    cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$to"
    "$python" scripts/licences.py "$1" >"$to/THIRD-PARTY-LICENSES"
    "$native" man >"$to/man/tonnage.1"
    for command in $("$native" man | sed -n 's/^tonnage\\-\(.*\)(1)$/\1/p'); do
        "$native" man "$command" >"$to/man/tonnage-$command.1"
    done
    [ "$(find "$to/man" -type f | wc -l)" -gt 10 ] || die "the manual names fewer commands than there are"
    for shell in bash zsh fish elvish powershell; do
        "$native" completions "$shell" >"$to/completions/tonnage.$shell"
    done
    tar --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
        -C "$dist/stage" -c "$name" | gzip -n -9 >"$dist/$name.tar.gz"
}

# check_program TARGET PROGRAM: whether it depends on this machine.
check_program() {
    readelf --section-headers --wide "$2" | grep -q ' \.dep-v0 ' || die "\`$2\` does not list its dependencies"
    local machine=X86-64 newest
    [ "${1%%-*}" = x86_64 ] || machine=AArch64
    readelf --file-header "$2" | grep -q "Machine:.*$machine" || die "\`$2\` is not a program for $1"
    newest=$(readelf --version-info --wide "$2" | grep -o 'GLIBC_[0-9.]*' | sort --version-sort --unique | tail -n 1) || true
    case $1 in
    *-musl)
        if readelf --program-headers --wide "$2" | grep -q INTERP || [ -n "$newest" ]; then
            die "the program for $1 is not static"
        fi
        say "$1: static, no symbol of glibc"
        ;;
    *)
        say "$1: needs ${newest:-no symbol of glibc}"
        [ "$(printf '%s\n' GLIBC_2.17 "$newest" | sort --version-sort | tail -n 1)" = GLIBC_2.17 ] ||
            die "the program for $1 needs a newer glibc than 2.17"
        ;;
    esac
    if [ "${1%%-*}" != "$(uname -m)" ]; then
        say "NOT RUN: the program for $1 (this machine is $(uname -m))"
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        say "NOT RUN: $1 in a root of its own, which needs root"
        return
    fi
    local base
    base=$(scratch 600)
    case $1 in
    *-musl) ;;
    *) debian_root "$base" ;;
    esac
    mkdir -p "$base/tmp"
    cp "$2" "$base/tonnage"
    cp "$dist/stage/check.tar" "$base/check.tar"
    chroot "$base" /tonnage --version
    chroot "$base" /tonnage weigh /check.tar | sed -n 1p
    rm -rf --one-file-system "$base"
}

# debian_root DIRECTORY: the oldest Debian that the archive still has.
debian_root() {
    need debootstrap
    local release mirror
    mirror=$(debian_mirror)
    for release in stretch buster bullseye bookworm; do
        if curl --fail --silent --head "$mirror/dists/$release/Release" >/dev/null; then
            say "unpacking a root of Debian $release"
            debootstrap --variant=minbase "$release" "$1" "$mirror" >"$cache/debootstrap.log" 2>&1 ||
                die "debootstrap failed" "see \`$cache/debootstrap.log\`"
            return
        fi
    done
    die "the Debian archive has no release that this script knows"
}

# image_root ARCH TARGET: the file system of the image as a tar.
image_root() {
    local to=$dist/stage/root-$1 from=$dist/stage/tonnage-v$version-$2
    mkdir -p "$to/etc/ssl/certs" "$to/usr/bin" "$to/usr/share/doc/tonnage" "$to/tmp" "$to/work" "$to/home/tonnage"
    chmod 1777 "$to/tmp"
    chmod 777 "$to/work" "$to/home/tonnage"
    cp "$from/tonnage" "$to/usr/bin/tonnage"
    cp "$from"/LICENSE-* "$from/THIRD-PARTY-LICENSES" "$to/usr/share/doc/tonnage"
    # The package's own certificates: the bundle of this machine may have some that are nobody else's.
    cat /usr/share/ca-certificates/mozilla/*.crt >"$to/etc/ssl/certs/ca-certificates.crt"
    printf 'root:x:0:0:root:/root:/sbin/nologin\ntonnage:x:65532:65532:tonnage:/home/tonnage:/sbin/nologin\n' >"$to/etc/passwd"
    printf 'root:x:0:\ntonnage:x:65532:\n' >"$to/etc/group"
    pack "$to" "$dist/image/root-$1.tar"
}

check_image() {
    local tag=tonnage-dist-check:$$ archive=$dist/stage/image.tar socket
    if ! docker version >/dev/null 2>&1; then
        say "LEFT OUT: the image was not built: no engine answers"
        return
    fi
    say "building and running the image"
    docker build --quiet --label tonnage.dist=check --build-arg TARGETARCH="$arch" --tag "$tag" "$dist/image" >/dev/null
    # shellcheck disable=SC2064  # the tag of now
    trap "docker image rm --force $tag >/dev/null 2>&1" EXIT
    docker save "$tag" >"$archive"
    "$native" weigh "tonnage=$archive" --format json >"$dist/stage/weighed.json"
    "$native" check "$dist/stage/weighed.json" --suite scripts/image/budget.toml
    docker run --rm --interactive --network none "$tag" weigh - <"$dist/stage/check.tar" | sed -n 1p
    socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
    case $socket in
    unix://*)
        socket=${socket#unix://}
        docker run --rm --volume "$socket:/var/run/docker.sock" --group-add "$(stat -c %g "$socket")" "$tag" doctor >"$dist/stage/doctor.txt" ||
            die "\`tonnage doctor\` failed in the image" "see \`$dist/stage/doctor.txt\`"
        sed -n 1,3p "$dist/stage/doctor.txt"
        ;;
    *) say "NOT RUN: \`doctor\` in the image: the engine has no socket here" ;;
    esac
    docker image rm --force "$tag" >/dev/null
    trap - EXIT
}

check_deb() {
    local to=$dist/stage/deb
    mkdir "$to"
    dpkg-deb --extract "$1" "$to"
    "$to/usr/bin/tonnage" --version
    [ -s "$to/usr/share/man/man1/tonnage.1.gz" ] || [ -s "$to/usr/share/man/man1/tonnage.1" ] || die "\`$1\` has no manual"
    [ -s "$to/usr/share/bash-completion/completions/tonnage" ] || die "\`$1\` has no completions"
}

need_rust
need_python
tool cargo-auditable 0.7.7
rm -rf --one-file-system "$dist"
mkdir -p "$dist/stage" "$dist/image"
case $(uname -m) in aarch64 | arm64) arch=arm64 ;; *) arch=amd64 ;; esac

if [ $# -gt 0 ]; then
    target=$1
    case $target in *-linux-*) need_zig ;; esac
    native=$(compile "$target")
    stage "$target" "$native"
else
    need readelf=binutils dpkg-deb=dpkg curl /usr/share/ca-certificates/mozilla/*.crt=ca-certificates
    need_zig
    tool cargo-deb 3.8.0
    libc=${TONNAGE_DIST_LIBC:-musl}
    if [ "$libc" = musl ] && ! rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl >/dev/null 2>&1; then
        say "rustup cannot install the musl targets: linking with glibc 2.17"
        libc=gnu
    fi
    if [ "$libc" = gnu ]; then rustup target add x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu >/dev/null 2>&1; fi
    declare -A programs=()
    for machine in x86_64 aarch64; do
        programs[$machine]=$(compile "$machine-unknown-linux-$libc")
    done
    native=${programs[$(uname -m)]}
    cp fuzz/seeds/archive/c6434d71d51d81e5d9e7d8909e72d333611f0023 "$dist/stage/check.tar"
    for machine in x86_64 aarch64; do
        stage "$machine-unknown-linux-$libc" "${programs[$machine]}"
        check_program "$machine-unknown-linux-$libc" "${programs[$machine]}"
    done
    cp scripts/image/Dockerfile "$dist/image"
    image_root amd64 "x86_64-unknown-linux-$libc"
    image_root arm64 "aarch64-unknown-linux-$libc"
    check_image
    for machine in x86_64 aarch64; do
        ln -sfn "tonnage-v$version-$machine-unknown-linux-$libc" "$dist/stage/deb-files"
        cargo deb --quiet --no-build --no-strip --locked --target "$machine-unknown-linux-$libc" --output "$dist"
    done
    check_deb "$(ls "$dist"/tonnage_*_"$arch".deb)"
fi
rm -rf --one-file-system "$dist/stage"
(cd "$dist" && sha256sum -- *.tar.gz *.deb 2>/dev/null >SHA256SUMS) || (cd "$dist" && sha256sum -- *.tar.gz >SHA256SUMS)
say "dist/ holds:"
(cd "$dist" && du -k -- *.tar.gz *.deb SHA256SUMS 2>/dev/null) || true
