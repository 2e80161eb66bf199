#!/bin/sh
# Compares our statistics with scipy's: numpy and scipy of PyPI in a temporary environment that is removed again.
set -eu
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy scipy
"$folder/venv/bin/python" "$here/check_statistics.py" "$@"
