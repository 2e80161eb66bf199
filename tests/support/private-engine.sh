#!/usr/bin/env bash
# A Docker Engine of its own for tests that must stop, restart or fill one: `dockerd` with its own data, sockets and
# network namespace, so that the machine's engine is never touched. (In the same namespace a second dockerd would
# take the first one's bridge away.) Needs root.
#
#   tests/support/private-engine.sh start NAME [OPTION OF dockerd]...   prints DOCKER_HOST of the engine, started anew or again
#   tests/support/private-engine.sh in NAME COMMAND...  runs a command in its network namespace, with its DOCKER_HOST
#   tests/support/private-engine.sh stop NAME      asks it to end (SIGTERM), keeps its data
#   tests/support/private-engine.sh kill NAME      ends it at once (SIGKILL), keeps its data
#   tests/support/private-engine.sh remove NAME    ends it and removes all that it left
#
# Its containers are reached from this machine by their own addresses. With TONNAGE_ENGINE_INTERNET=yes its builds
# reach the network too. DOCKERD=FILE takes another `dockerd` (and the containerd that lies with it, see
# newer-docker.sh); TONNAGE_ENGINE_CONFIG=JSON is its configuration, `{}` if not given.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

usage="usage: \`tests/support/private-engine.sh start|in|stop|kill|remove NAME\`"
deadline=60
[ $# -ge 2 ] || die "a command and a name are wanted" "$usage"
command=$1 name=$2
shift 2
[[ $name =~ ^[a-z][a-z0-9]{0,7}$ ]] || die "\`$name\` cannot be a name" "use up to eight small letters and digits"
[ "$(id -u)" = 0 ] || die "a private engine needs root"

data=$cache/engines/$name
run=/run/tonnage-engines/$name # short: the path of a socket is limited to 107 bytes
space=tonnage-$name
# Two small networks of its own: between here and the namespace, and inside of it.
number=$(($(printf %s "$name" | cksum | cut -d ' ' -f 1) % 250 + 2))
here=10.231.$number.1 there=10.231.$number.2 inside=10.232.$number

is_running() {
    local pid
    pid=$(cat "$run/dockerd.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]
}

in_space() {
    nsenter "--net=/run/netns/$space" "$@"
}

make_space() {
    [ ! -e "/run/netns/$space" ] || return 0
    ip netns add "$space"
    ip link add "to-$name" type veth peer name outside netns "$space"
    ip address add "$here/30" dev "to-$name"
    ip link set "to-$name" up
    in_space ip address add "$there/30" dev outside
    in_space ip link set outside up
    in_space ip link set lo up
    ip route add "$inside.0/24" via "$there"
    if [ "${TONNAGE_ENGINE_INTERNET:-}" = yes ]; then
        in_space ip route add default via "$here"
        echo 1 >/proc/sys/net/ipv4/ip_forward
        iptables -t nat -A POSTROUTING -s "$here/30" ! -o "to-$name" -j MASQUERADE
        iptables -I FORWARD -i "to-$name" -j ACCEPT
        iptables -I FORWARD -o "to-$name" -j ACCEPT
        touch "$data/internet"
    else
        # Refused at once. On the containerd store each build asks a registry for its bases, twice, and waits 20 s each time for
        # an answer to packets that are dropped.
        in_space ip route add unreachable default
    fi
}

remove_space() {
    if [ -e "$data/internet" ]; then
        iptables -t nat -D POSTROUTING -s "$here/30" ! -o "to-$name" -j MASQUERADE || true
        iptables -D FORWARD -i "to-$name" -j ACCEPT || true
        iptables -D FORWARD -o "to-$name" -j ACCEPT || true
    fi
    [ ! -e "/sys/class/net/to-$name" ] || ip link delete "to-$name"
    [ ! -e "/run/netns/$space" ] || ip netns delete "$space"
}

start() {
    need "${DOCKERD:-dockerd=docker.io}" ip=iproute2 nsenter=util-linux iptables curl
    local socket=$run/docker.sock dockerd=${DOCKERD:-dockerd} pid
    if is_running; then
        echo "unix://$socket"
        return
    fi
    mkdir -p "$data" "$run"
    make_space
    rm -f "$run/dockerd.pid" "$socket"
    printf '%s\n' "${TONNAGE_ENGINE_CONFIG:-{\}}" >"$data/daemon.json" # not the machine's own
    if [ -n "${DOCKERD:-}" ]; then
        PATH=$(dirname "$DOCKERD"):$(dirname "$DOCKERD")/../bin:$PATH
    fi
    setsid nsenter "--net=/run/netns/$space" "$dockerd" --config-file "$data/daemon.json" --data-root "$data/data" \
        --exec-root "$run/exec" --pidfile "$run/dockerd.pid" --host "unix://$socket" --bip "$inside.1/24" \
        --mtu 1400 "$@" >>"$data/log" 2>&1 </dev/null &
    pid=$!
    disown
    for _ in $(seq $((deadline * 5))); do
        if [ "$(DOCKER_HOST=unix://$socket engine_call /_ping --max-time 5 2>/dev/null)" = OK ]; then
            # Newer engines drop what comes from outside to a port that is not published.
            in_space iptables -I DOCKER-USER -i outside -j ACCEPT 2>/dev/null || true
            echo "unix://$socket"
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    tail -n 20 "$data/log" >&2
    die "the private engine did not start" "the end of its log stands above; all of it: \`$data/log\`"
}

# in_engine COMMAND...: there its published ports are at 127.0.0.1, and so is what the command serves to it.
in_engine() {
    DOCKER_HOST=unix://$run/docker.sock exec nsenter "--net=/run/netns/$space" "$@"
}

# finish SIGNAL: sends it and waits until the engine is gone, and the containerd that it started with it.
finish() {
    local pid
    if is_running; then
        pid=$(cat "$run/dockerd.pid")
        kill -s "$1" "$pid"
        for _ in $(seq 300); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
    fi
    pid=$(cat "$run/exec/containerd/containerd.pid" 2>/dev/null) || return 0
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != containerd ] || kill -s "$1" "$pid"
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
}

remove() {
    local path
    finish TERM
    # shims of containers that were running when the engine was killed
    pkill -KILL -f -- "-address $run/exec/" 2>/dev/null || true
    awk -v data="$data/" -v run="$run/" 'index($2, data) == 1 || index($2, run) == 1 {print $2}' /proc/self/mounts |
        sort -r | while read -r path; do umount -l "$path" || true; done
    remove_space
    rm -rf --one-file-system "$data" "$run"
}

case $command in
start) start "$@" ;;
in) in_engine "$@" ;;
stop) finish TERM ;;
kill) finish KILL ;;
remove) remove ;;
*) die "unknown command \`$command\`" "$usage" ;;
esac
