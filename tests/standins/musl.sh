# shellcheck shell=bash
# Sourced by the two scripts that build for musl, after lib.sh: a work folder that always has the same path, and
# what both do with sources.

need gcc make musl-gcc=musl-tools xz=xz-utils bzip2 /usr/include/stdio.h=libc6-dev \
    /usr/include/linux/limits.h=linux-libc-dev
export jobs
jobs=-j$(nproc)

# CPython and its libraries keep the paths of their build, so these must be the same each time: the work folder is
# mounted on /mnt, in a mount namespace of this script's own (see the first lines of both).
work_behind_mnt=$(scratch 1500)
trap 'umount -l /mnt 2>/dev/null; rm -rf --one-file-system "$work_behind_mnt"' EXIT
trap 'exit 130' INT TERM
mount --bind "$work_behind_mnt" /mnt
work=/mnt
prefix=$work/prefix # the only headers and libraries that may be found: none of glibc's
mkdir -p "$prefix/include" "$prefix/lib"

# quietly NAME COMMAND...: the output goes into a log, whose end is shown when the command fails.
quietly() {
    local log=$work/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        tail -n 30 "$log" >&2
        die "failed to build $(basename "$log" .log) for musl"
    }
}

# unpack ARCHIVE NAME: the source archive into a work folder of that name.
unpack() {
    [ -e "$1" ] || die "no source archive \`$1\`"
    mkdir "$work/$2"
    tar -xf "$1" -C "$work/$2" --strip-components=1
}

# The kernel's headers, which musl and glibc share: a folder of their own, as /usr/include holds glibc's too.
kernel=$work/kernel
mkdir "$kernel"
ln -s /usr/include/linux /usr/include/asm-generic "$kernel/"
ln -s /usr/include/x86_64-linux-gnu/asm "$kernel/asm"
