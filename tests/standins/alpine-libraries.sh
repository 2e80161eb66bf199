#!/usr/bin/env bash
# Builds the libraries that the Alpine stand-in's CPython wants and its Alpine root has not: libffi, bzip2 and
# SQLite, static, by Debian's musl-gcc. The result is a tar of headers and libraries, not a layer.
#
#   alpine-libraries.sh SOURCES_FOLDER LIBRARIES.tar        needs root
if [ -z "${TONNAGE_OWN_MOUNTS:-}" ]; then
    exec env TONNAGE_OWN_MOUNTS=yes unshare --mount --propagation private -- "$0" "$@"
fi
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=tests/standins/musl.sh
. "$root/tests/standins/musl.sh"

sources=$1 libraries=$2
need tclsh=tcl

say "alpine: building libffi, bzip2 and SQLite"
build_libffi() {
    cd "$work/libffi"
    ./configure CC=musl-gcc CFLAGS="-O2 -fPIC -idirafter $kernel" --host=x86_64-linux-musl --build=x86_64-linux-gnu \
        --prefix="$prefix" --libdir="$prefix/lib" --disable-shared --enable-static --disable-multi-os-directory \
        --disable-docs
    make "$jobs"
    make install
}
build_bzip2() {
    cd "$work/bzip2"
    make CC=musl-gcc CFLAGS='-O2 -fPIC -D_FILE_OFFSET_BITS=64' libbz2.a
    cp bzlib.h "$prefix/include/"
    cp libbz2.a "$prefix/lib/"
}
build_sqlite() {
    cd "$work/sqlite"
    # the machine's compiler for the generators, musl's for the one big file that they make
    ./configure CC=gcc --disable-tcl
    make sqlite3.c
    musl-gcc -O2 -fPIC -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_COLUMN_METADATA -c sqlite3.c
    ar rcsD "$prefix/lib/libsqlite3.a" sqlite3.o
    cp sqlite3.h src/sqlite3ext.h "$prefix/include/"
}
unpack "$sources"/libffi_*.orig.tar.*z* libffi
unpack "$sources"/bzip2_*.orig.tar.*z* bzip2
unpack "$sources"/sqlite3_*.orig.tar.*z* sqlite
# `quietly` tests the exit code, which switches `set -e` off inside a function: hence a shell of its own
export -f build_libffi build_bzip2 build_sqlite
export work prefix kernel jobs
quietly sqlite bash -ec build_sqlite & # one file, one core: the other two beside it
sqlite=$!
quietly libffi bash -ec build_libffi
quietly bzip2 bash -ec build_bzip2
wait "$sqlite" || exit 1

# `make install` writes paths and tools that nobody wants
rm -rf "$prefix/lib/pkgconfig" "$prefix"/lib/*.la "$prefix/share"
pack "$prefix" "$libraries"
