#!/usr/bin/env bash
# Finds a container engine that answers, and prints its address as DOCKER_HOST wants it:
#   DOCKER_HOST, if set; the current Docker context; Docker's sockets; Podman's sockets.
# If there is none, root on a Debian-like system gets Docker installed and started; anybody else is told what to do.
# `tonnage doctor` is not asked: this comes before anything is built.
#
#   DOCKER_HOST=$(scripts/engine.sh)
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

deadline=60 # seconds that a new engine may take until it answers
need curl
runtime_folder=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}

# answers ADDRESS: is there an engine?
answers() {
    [ "$(DOCKER_HOST=$1 engine_call /_ping --max-time 5 2>/dev/null)" = OK ]
}

# context_address: where the current Docker context points, nothing when it is the default one.
context_address() {
    local folder=${DOCKER_CONFIG:-$HOME/.docker} name=${DOCKER_CONTEXT:-} meta
    if [ -z "$name" ] && [ -r "$folder/config.json" ]; then
        name=$(json_string currentContext <"$folder/config.json")
    fi
    if [ -z "$name" ] || [ "$name" = default ]; then
        return
    fi
    meta=$folder/contexts/meta/$(printf %s "$name" | sha256sum | cut -d ' ' -f 1)/meta.json
    [ ! -r "$meta" ] || json_string Host <"$meta"
}

# json_string KEY: the first string of that key. Enough for Docker's own files, and needs no other program.
json_string() {
    tr -d '\n' | grep -o "\"$1\"[[:space:]]*:[[:space:]]*\"[^\"]*\"" | head -n 1 | sed 's/.*"\([^"]*\)"$/\1/'
}

if [ -n "${DOCKER_HOST:-}" ]; then
    case $DOCKER_HOST in
    unix://* | tcp://* | http://* | https://*) ;;
    *) die "cannot speak to an engine at \`$DOCKER_HOST\`, where DOCKER_HOST points" \
        "use a \`unix://\` or \`tcp://\` address; over ssh: \`ssh -L /tmp/engine.sock:/var/run/docker.sock HOST\`" ;;
    esac
    answers "$DOCKER_HOST" || die "no engine answers at \`$DOCKER_HOST\`, where DOCKER_HOST points" \
        "start it, or unset DOCKER_HOST to have one looked for"
    echo "$DOCKER_HOST"
    exit
fi
candidates=()
address=$(context_address || true)
[ -z "$address" ] || candidates+=("$address")
for socket in /var/run/docker.sock "$runtime_folder/docker.sock" \
    /run/podman/podman.sock "$runtime_folder/podman/podman.sock"; do
    [ ! -S "$socket" ] || candidates+=("unix://$socket")
done
for candidate in "${candidates[@]}"; do
    # in a shell of its own: a context of a kind that cannot be spoken to must not be the end
    if (answers "$candidate") 2>/dev/null; then
        echo "$candidate"
        exit
    fi
    say "no engine answers at $candidate"
done

if [ "$(id -u)" != 0 ]; then
    if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
        die "no permission to use Docker's socket" \
            "\`sudo usermod -aG docker $(id -un)\`, then log in again; or run this as root"
    elif command -v dockerd >/dev/null; then
        die "Docker is installed, but does not answer" "start it: \`sudo systemctl start docker\`"
    elif command -v podman >/dev/null; then
        die "Podman is installed, but its socket does not answer" "\`systemctl --user start podman.socket\`"
    fi
    die "there is no container engine on this machine" "\`sudo apt-get install docker.io\`, or Docker's own packages" \
        "or Podman 4 or newer, with \`systemctl --user start podman.socket\`"
fi

socket=/var/run/docker.sock
if ! command -v dockerd >/dev/null; then
    can_install || die "there is no container engine on this machine" \
        "install Docker or Podman with this system's package manager and start its service"
    # fuse-overlayfs: where the kernel's own overlay is not available, dockerd falls back to it, else to whole copies
    apt_install docker.io iptables fuse-overlayfs
fi

log=/var/log/tonnage-dockerd.log
pid=
# wait_for_engine SECONDS: until it answers, has died, or the time is up.
wait_for_engine() {
    local end=$((SECONDS + $1))
    while [ $SECONDS -lt $end ]; do
        if answers "unix://$socket"; then
            return 0
        fi
        if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
            return 1
        fi
        sleep 0.2
    done
    return 1
}

started() {
    say "Docker $(engine_version) answers"
    echo "unix://$socket"
    exit
}

engine_version() {
    DOCKER_HOST=unix://$socket engine_call /version | json_string Version
}

# prepare_container: what a service manager would have seen to, and a bare container or chroot lacks.
prepare_container() {
    mounted /proc || mount -t proc proc /proc
    mounted /sys || mount -t sysfs sysfs /sys || true
    if ! mounted /sys/fs/cgroup; then
        mount -t cgroup2 cgroup2 /sys/fs/cgroup || mount_cgroups_one_by_one
    fi
    # In a control group that is not the real root (that one has no `cgroup.type`), controllers cannot be handed on
    # as long as processes live in it: they move into a child.
    local group=/sys/fs/cgroup controller
    if [ -e "$group/cgroup.type" ]; then
        mkdir -p "$group/init"
        xargs -rn1 <"$group/cgroup.procs" >"$group/init/cgroup.procs" 2>/dev/null || true
        while read -r controller; do
            echo "+$controller" >"$group/cgroup.subtree_control" 2>/dev/null || true
        done < <(tr ' ' '\n' <"$group/cgroup.controllers")
    fi
    if [ ! -e /dev/fuse ]; then
        mknod /dev/fuse c 10 229 2>/dev/null || true
    fi
    # A kernel without nftables: the older tables may be there.
    if ! iptables -t nat -L -n >/dev/null 2>&1 && iptables-legacy -t nat -L -n >/dev/null 2>&1; then
        update-alternatives --set iptables "$(command -v iptables-legacy)" >/dev/null
    fi
}

mounted() {
    grep -q " $1 " /proc/self/mounts 2>/dev/null
}

mount_cgroups_one_by_one() {
    local controller
    mount -t tmpfs cgroup /sys/fs/cgroup || return 0
    while read -r controller; do
        mkdir -p "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || rmdir "/sys/fs/cgroup/$controller"
    done < <(awk '!/^#/ && $4 == 1 {print $1}' /proc/cgroups)
}

say "starting Docker"
if [ -d /run/systemd/system ]; then
    systemctl start docker >&2 || true
    wait_for_engine $deadline && started
    journalctl --unit docker --lines 30 --no-pager >&2 || true
    die "Docker did not answer within $deadline s" "the end of its log stands above; more: \`journalctl --unit docker\`"
fi
# the installation may have started it already; a left-over process number of another life would be in the way
if ! pgrep -x dockerd >/dev/null 2>&1; then
    rm -f /var/run/docker.pid
    prepare_container
    setsid dockerd >"$log" 2>&1 </dev/null &
    pid=$!
    disown
fi
wait_for_engine $deadline && started
[ ! -e "$log" ] || tail -n 30 "$log" >&2
die "Docker did not answer within $deadline s" "the end of its log stands above; all of it: \`$log\`" \
    "in a container or chroot it needs to be \`--privileged\`, or have a socket of the host's engine mounted"
