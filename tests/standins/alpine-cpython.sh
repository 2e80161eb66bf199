#!/usr/bin/env bash
# Makes the CPython layer of the Alpine stand-in: Debian's sources built by Debian's musl-gcc against Alpine's own
# musl, OpenSSL, zlib, xz, ncurses and libuuid, and the libraries of alpine-libraries.sh.
#
#   alpine-cpython.sh VERSION SOURCES_FOLDER WHOLE_ALPINE_FOLDER LIBRARIES.tar LAYER.tar        needs root
if [ -z "${TONNAGE_OWN_MOUNTS:-}" ]; then
    exec env TONNAGE_OWN_MOUNTS=yes unshare --mount --propagation private -- "$0" "$@"
fi
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=tests/standins/musl.sh
. "$root/tests/standins/musl.sh"

version=$1 sources=$2 alpine=$3 libraries=$4 layer=$5
need_python
need /usr/include/openssl/ssl.h=libssl-dev /usr/include/zlib.h=zlib1g-dev /usr/include/lzma.h=liblzma-dev \
    /usr/include/uuid/uuid.h=uuid-dev /usr/include/ncurses.h=libncurses-dev

# Headers are Debian's, of the same interfaces; libraries are Alpine's.
tar -xf "$libraries" -C "$prefix"
cp -r "$kernel"/. "$prefix/include/"
cp -r /usr/include/openssl "$prefix/include/"
cp /usr/include/x86_64-linux-gnu/openssl/*.h "$prefix/include/openssl/"
# Alpine builds OpenSSL without compression
echo '#define OPENSSL_NO_COMP 1' >>"$prefix/include/openssl/opensslconf.h"
# The patch level of the headers ends up in the layer, and differs with the day of the machine's last update.
sed -i -E 's/(define +OPENSSL_VERSION_PATCH +)[0-9]+/\10/' "$prefix/include/openssl/opensslv.h"
cp -r /usr/include/{zlib,zconf,lzma}.h /usr/include/lzma "$prefix/include/"
mkdir "$prefix/include/uuid"
cp /usr/include/uuid/uuid.h "$prefix/include/uuid/"
cp /usr/include/{curses,ncurses,ncurses_dll,panel,term,termcap,unctrl,form,menu,eti}.h "$prefix/include/"
for library in libssl.so.3 libcrypto.so.3 libz.so.1 liblzma.so.5 libuuid.so.1 libncursesw.so.6; do
    cp -L "$alpine/usr/lib/$library" "$prefix/lib/"
    ln -s "$library" "$prefix/lib/${library%%.so*}.so"
done
# Debian's musl is too old to load Alpine's libraries (they have RELR relocations): Alpine's loader is laid over it,
# seen in this mount namespace only.
cp "$alpine/lib/ld-musl-x86_64.so.1" "$prefix/lib/libc.musl-x86_64.so.1"
mount --bind "$prefix/lib/libc.musl-x86_64.so.1" "$(readlink -f /lib/ld-musl-x86_64.so.1)"
echo "$prefix/lib" >"$work/loader-path"
mount --bind "$work/loader-path" /etc/ld-musl-x86_64.path

say "alpine: building CPython $version"
unpack "$sources"/python"$version"_*.orig.tar.xz python
cd "$work/python"
options=(--prefix=/usr/local --build=x86_64-linux-gnu --enable-shared --without-ensurepip --with-openssl="$prefix"
    --enable-loadable-sqlite-extensions --disable-test-modules)
if [ "$version" = 3.9 ]; then
    "$python" "$root/tests/standins/only-prefix.py" setup.py "$prefix"
    options+=(--with-system-ffi)
else
    # as shipped; Alpine's root has no libmpdec
    options+=(--with-system-libmpdec=no)
    # The compiler beneath names glibc's triplet, which configure takes for a mistake of its own.
    mkdir "$work/bin"
    # shellcheck disable=SC2016  # for the shell of the script that is written
    printf '#!/bin/sh\n[ "$1" = --print-multiarch ] || exec %s "$@"\n' "$(command -v musl-gcc)" >"$work/bin/musl-gcc"
    chmod +x "$work/bin/musl-gcc"
    PATH=$work/bin:$PATH
fi
# Alpine's newer musl has the two functions, Debian's headers do not declare them. pkg-config would name the
# machine's own libraries; without it the search for OpenSSL would end in /usr/include, among glibc's headers. What
# else a machine may have (a C++ compiler, a Python 3.9) would be written into the layer, and is named here instead.
quietly python-configure ./configure ac_cv_func_preadv2=no ac_cv_func_pwritev2=no PKG_CONFIG=false CC=musl-gcc CXX=c++ \
    ac_cv_prog_PYTHON_FOR_REGEN=python3 \
    CPPFLAGS="-I$prefix/include" CFLAGS="-g0" LDFLAGS="-L$prefix/lib" "${options[@]}"
# a thread's stack is 128 KiB under musl, too little for Python: the official image asks for 1 MiB as well
quietly python make "$jobs" EXTRA_CFLAGS=-DTHREAD_STACK_SIZE=0x100000 LDFLAGS="-L$prefix/lib -Wl,--strip-all"
quietly python-install make install DESTDIR="$work/new"

# what the official image removes
cd "$work/new/usr/local"
find . -depth -type d \( -name test -o -name tests -o -name idle_test \) -exec rm -rf {} +
find . -type f \( -name '*.pyc' -o -name '*.a' \) -delete
find . -type d -name __pycache__ -empty -delete
ln -s idle3 bin/idle
ln -s pydoc3 bin/pydoc
ln -s python3 bin/python
ln -s python3-config bin/python-config

say "alpine: trying the new Python"
cp -a "$alpine" "$work/try"
cp -a "$work/new/." "$work/try/"
for module in ssl zlib lzma bz2 sqlite3 ctypes uuid curses hashlib; do
    chroot "$work/try" /usr/local/bin/python -BSc "import $module" >"$work/import.log" 2>&1 || {
        tail -n 1 "$work/import.log" >&2
        die "the CPython built for musl has no \`$module\`"
    }
done
cd "$root"
pack "$work/new" "$layer"
