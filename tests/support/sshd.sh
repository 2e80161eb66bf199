#!/usr/bin/env bash
# An ssh server on the machine that a private engine seems to be on, for tests of engines behind ssh: in the engine's network
# namespace, with a host key and a user key of its own. Nothing is installed: Debian's server is unpacked into the cache,
# and sees lists of users in which it is one. Runs in the foreground.
#
#   tests/support/sshd.sh NAME FOLDER    FOLDER gets `config` (for `ssh -F`, host `engine`) and `log`
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

[ $# = 2 ] || die "the name of a private engine and a folder are wanted" "usage: \`tests/support/sshd.sh NAME FOLDER\`"
name=$1 folder=$(realpath "$2")
need ssh-keygen=openssh-client nsenter=util-linux

unpacked=$cache/sshd
unpack_debian "$unpacked" openssh-server libwrap0

there=$(nsenter "--net=/run/netns/tonnage-$name" ip -4 -oneline address show dev outside | awk '{sub("/.*", "", $4); print $4}')
for key in host user; do ssh-keygen -q -t ed25519 -N '' -f "$folder/$key"; done
printf 'engine %s\n' "$(cut -d ' ' -f 1-2 "$folder/host.pub")" >"$folder/known"
cat >"$folder/config" <<END
Host engine
    HostName $there
    HostKeyAlias engine
    Port 2222
    User root
    IdentityFile $folder/user
    IdentitiesOnly yes
    UserKnownHostsFile $folder/known
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
END
cat >"$folder/sshd_config" <<END
Port 2222
HostKey $folder/host
AuthorizedKeysFile $folder/user.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
StrictModes no
PidFile none
SetEnv DOCKER_HOST=unix:///run/tonnage-engines/$name/docker.sock
END
printf 'root:x:0:0:root:/root:/bin/sh\nsshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n' >"$folder/passwd"
printf 'root:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n' >"$folder/shadow"
mkdir -p /run/sshd
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(echo "$unpacked"/usr/lib/*-linux-gnu)
# shellcheck disable=SC2016  # variables of the inner shell
exec nsenter "--net=/run/netns/tonnage-$name" unshare --mount sh -c '
    mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow &&
    exec "$2" -D -e -f "$1/sshd_config" 2>"$1/log"' sh "$folder" "$unpacked/usr/sbin/sshd"
