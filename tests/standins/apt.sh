# shellcheck shell=bash
# Sourced: apt with lists and state of its own, so that packages of another Debian release can be fetched without
# touching the machine's configuration.

# private_apt FOLDER deb|deb-src SUITE: gets that release's package lists; `own_apt` is the command to go on with.
private_apt() {
    local folder=$1 type=$2 suite=$3 mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    need "$keyring=debian-archive-keyring"
    mirror=$(debian_mirror)
    mkdir -p "$folder"/{lists,cache/archives}/partial "$folder/config"
    : >"$folder/status"
    echo "$type [signed-by=$keyring] $mirror $suite main" >"$folder/sources.list"
    own_apt=(apt-get -qq
        -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=-
        -o Dir::State::lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache"
        -o APT::Sandbox::User=root -o APT::Install-Recommends=0 -o Acquire::Languages=none -o Acquire::Retries=3)
    "${own_apt[@]}" update >"$folder/log" 2>&1 </dev/null || {
        tail "$folder/log" >&2
        die "failed to read the package lists of Debian $suite" "is the Debian archive reachable?"
    }
}

# unpack_packages WORK_FOLDER SUITE KIND FOLDER: what debian-packages.txt lists for the kind, unpacked without being
# configured, so that none of it runs here.
unpack_packages() {
    local work=$1 suite=$2 kind=$3 new=$4 packages package folder
    private_apt "$work/apt" deb "$suite"
    # shellcheck disable=SC2154  # `root` is of the script that sources this
    mapfile -t packages < <(awk -v kind="$kind" '$1 == kind {for (i = 2; i <= NF; i++) print $i}' \
        "$root/tests/standins/debian-packages.txt")
    mkdir "$work/packages"
    (cd "$work/packages" && "${own_apt[@]}" download "${packages[@]}") >"$work/log" 2>&1 </dev/null || {
        tail "$work/log" >&2
        die "failed to fetch packages of Debian $suite"
    }
    mkdir -p "$new"/usr/{bin,sbin,lib,lib64}
    for folder in bin sbin lib lib64; do
        ln -s "usr/$folder" "$new/$folder"
    done
    for package in "$work"/packages/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$new"
    done
}
