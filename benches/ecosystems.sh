#!/usr/bin/env bash
# Packages of all ecosystems in one image: makes a root with packages made by each ecosystem's own tool where this
# machine can have it, weighs it, and compares names, versions, and bytes, as a Markdown table. Exit code 1 if names or
# bytes differ, or if "no package" is 10 % or more. Needs no engine; packages come from Debian and PyPI only.
#
#   benches/ecosystems.sh
#
# TONNAGE=FILE is the program; without it a release build.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

need npm javac=default-jdk-headless jar=default-jdk-headless go=golang-go gem=ruby composer Rscript=r-base-core \
    rpmbuild=rpm
need_python
release_program
work=$cache/ecosystems
rm -rf --one-file-system "$work"
mkdir -p "$work"
"$python" "$root/benches/ecosystems.py" make "$work" >&2
"$tonnage" weigh "$work/image.tar" --format json >"$work/weighed.json"
"$python" "$root/benches/ecosystems.py" compare "$work"
