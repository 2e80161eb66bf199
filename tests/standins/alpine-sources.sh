#!/usr/bin/env bash
# Fetches the sources that the musl build needs, out of Debian's archive and checked by apt: a release's CPython;
# libffi, bzip2 and SQLite of bookworm.
#
#   alpine-sources.sh RELEASE PYTHON FOLDER
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=tests/standins/apt.sh
. "$root/tests/standins/apt.sh"

release=$1 version=$2 folder=$3
work=$(scratch 100)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$folder"

# fetch SUITE SOURCE...
fetch() {
    local suite=$1
    shift
    private_apt "$work/$suite" deb-src "$suite"
    (cd "$folder" && "${own_apt[@]}" source --only-source --download-only "$@") >"$work/log" 2>&1 </dev/null || {
        tail "$work/log" >&2
        die "failed to fetch the sources of $*"
    }
}
say "alpine: fetching sources"
fetch "$release" "python$version"
fetch bookworm libffi bzip2 sqlite3
