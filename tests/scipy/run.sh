#!/usr/bin/env bash
# Compares our statistics with scipy's on 1,000 random samples. numpy and scipy of PyPI are kept in the cache. Where they
# can neither be found nor installed that is said aloud, and the exit code is 75 (EX_TEMPFAIL): nothing was compared.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

need_python
venv=$cache/scipy
if ! "$venv/bin/python" -c 'import numpy, scipy' 2>/dev/null; then
    say "installing numpy and scipy"
    rm -rf --one-file-system "$venv"
    "$python" -c 'import ensurepip' 2>/dev/null || need "$(dirname "$("$python" -c 'import os; print(os.__file__)')")/ensurepip=python3-venv"
    if ! { "$python" -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check numpy scipy; } >&2; then
        rm -rf --one-file-system "$venv"
        printf 'LEFT OUT: our statistics against those of scipy: numpy and scipy cannot be installed\n' >&2
        echo 'hint: check that PyPI is reachable, then run tests/scipy/run.sh' >&2
        exit 75
    fi
fi
cd "$root"
exec "$venv/bin/python" tests/scipy/check_statistics.py "$@"
