#!/usr/bin/env bash
# A newer Docker Engine than the machine's distribution has, for tests of what newer engines do: the packages of
# another suite of Debian, unpacked into the cache, nothing installed. Prints the path of its `dockerd`.
#
#   DOCKERD=$(tests/support/newer-docker.sh) tests/support/private-engine.sh start NAME
#   … with TONNAGE_ENGINE_CONFIG='{"features":{"containerd-snapshotter":true}}' on the containerd image store
#
# TONNAGE_DOCKER_SUITE names the suite; `trixie` (Docker 26.1) if not given. The machine's own runc is used: the
# suite's may want a newer C library.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

suite=${TONNAGE_DOCKER_SUITE:-trixie}
out=$cache/newer-docker/$suite
need apt-get=apt dpkg-deb=dpkg runc

if [ ! -x "$out/usr/sbin/dockerd" ]; then
    mirror=$(debian_mirror)
    work=$(scratch 600)
    trap 'rm -rf --one-file-system "$work"' EXIT
    mkdir -p "$work"/{state/lists/partial,cache/archives/partial,debs,root}
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
    : >"$work/status"
    # apt with lists and packages of its own: the machine's stay as they are
    apt=(apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State=$work/state"
        -o "Dir::Cache=$work/cache" -o "Dir::State::status=$work/status" -o APT::Sandbox::User=root
        -o Acquire::Retries=3)
    say "fetching Docker of Debian's $suite"
    { "${apt[@]}" update && (cd "$work/debs" && "${apt[@]}" download docker.io docker-cli containerd); } \
        >"$cache/newer-docker.log" 2>&1 || die "failed to fetch Docker of Debian's $suite" \
        "the log is in \`$cache/newer-docker.log\`; is the Debian archive reachable?"
    for package in "$work"/debs/*.deb; do
        dpkg-deb -x "$package" "$work/root"
    done
    mkdir -p "$(dirname "$out")"
    rm -rf --one-file-system "$out"
    mv "$work/root" "$out"
fi
"$out/usr/sbin/dockerd" --version >&2 || die "\`$out/usr/sbin/dockerd\` does not run on this machine" \
    "name another suite with TONNAGE_DOCKER_SUITE"
echo "$out/usr/sbin/dockerd"
