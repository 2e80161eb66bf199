#!/usr/bin/env bash
# An image registry for tests, on the loopback interface only, which Docker trusts without TLS.
#
#   tests/support/registry.sh start [PORT]            prints its address, 127.0.0.1:PORT (a free port unless told)
#   tests/support/registry.sh start-private [PORT]    the same for a registry that wants user and password, which are
#                                               `tester` and `hunter2hunter2`
#   tests/support/registry.sh start-tls [PORT]        a private one that speaks HTTPS, with a certificate of an authority of
#                                               its own, whose certificate is STATE/ca.crt
#   tests/support/registry.sh push LAYOUT NAME:TAG    pushes an OCI layout with all that is in it, as it is
#   tests/support/registry.sh fill ARCHIVE NAME:TAG   pushes an image archive: fill slim.tar library/python:3.9-slim;
#                                               prints ADDRESS/NAME@DIGEST
#   tests/support/registry.sh stop                    ends it and removes its data
#
# One at a time for each cache; TONNAGE_REGISTRY=FOLDER keeps another one's state elsewhere.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

state=${TONNAGE_REGISTRY:-$cache/registry}
mkdir -p "$state"
usage="usage: \`tests/support/registry.sh start|start-private|start-tls [PORT] | fill ARCHIVE NAME:TAG | push LAYOUT NAME:TAG | stop\`"

user=tester:hunter2hunter2

# find_registry: the path of the program.
find_registry() {
    command -v docker-registry && return
    unpack_debian "$cache/registry-tools" docker-registry
    echo "$cache/registry-tools/usr/bin/docker-registry"
}

# address: of the running registry; fails when there is none.
address() {
    local pid
    pid=$(cat "$state/pid" 2>/dev/null) && grep -qs docker-registry "/proc/$pid/cmdline" && cat "$state/address"
}

start() {
    local program port=${1:-} pid
    if address; then
        return
    fi
    need curl
    need_python
    program=$(find_registry)
    if [ -z "$port" ]; then
        port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    fi
    rm -rf "$state/data"
    mkdir -p "$state/data"
    local scheme=http tls=
    if [ -s "$state/server.crt" ]; then
        scheme=https
        tls=", tls: {certificate: $state/server.crt, key: $state/server.key}"
    fi
    cat >"$state/config.yml" <<CONFIG
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $state/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$port"$tls}
CONFIG
    if [ -s "$state/htpasswd" ]; then
        echo "auth: {htpasswd: {realm: tests, path: $state/htpasswd}}" >>"$state/config.yml"
    fi
    setsid "$program" serve "$state/config.yml" >"$state/log" 2>&1 </dev/null &
    pid=$!
    disown
    for _ in $(seq 100); do
        if curl --noproxy '*' --user "$user" --fail --silent --max-time 2 --output /dev/null \
            ${tls:+--cacert "$state/ca.crt"} "$scheme://127.0.0.1:$port/v2/"; then
            echo "$pid" >"$state/pid"
            echo "127.0.0.1:$port" | tee "$state/address"
            say "registry answers at 127.0.0.1:$port"
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill "$pid" 2>/dev/null || true
    tail -n 10 "$state/log" >&2
    die "the registry did not start on port $port" "the end of its log stands above"
}

start-private() {
    # bcrypt of the password, as `htpasswd -B` writes it.
    # shellcheck disable=SC2016
    echo 'tester:$2b$05$abcdefghijklmnopqrstuuHNzobToyoUx/XDeHA.0qHXOcixZPlSm' >"$state/htpasswd"
    start "$@"
}

start-tls() {
    need openssl
    (
        cd "$state"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 2 \
            -subj "/CN=authority of a test"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj "/CN=127.0.0.1"
        printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >server.ext
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile server.ext
    ) 2>"$state/openssl.log" || die "failed to make certificates" "see \`$state/openssl.log\`"
    start-private "$@"
}

push() {
    [ $# = 2 ] || die "\`push\` wants a layout and a name" "$usage"
    local where
    where=$(address) || die "no registry is running" "\`tests/support/registry.sh start\` first"
    need skopeo
    NO_PROXY=127.0.0.1 skopeo --insecure-policy copy --quiet --all --preserve-digests --dest-tls-verify=false \
        --dest-creds "$user" "oci:$1" "docker://$where/$2" >&2
}

fill() {
    [ $# = 2 ] || die "\`fill\` wants an archive and a name" "$usage"
    local archive=$1 name=$2 where
    [ -r "$archive" ] || die "cannot read the archive \`$archive\`" "\`tests/support/tiny.sh\` makes some"
    where=$(address) || die "no registry is running" "\`tests/support/registry.sh start\` first"
    need skopeo
    NO_PROXY=127.0.0.1 skopeo --insecure-policy copy --quiet --dest-tls-verify=false --dest-creds "$user" --digestfile "$state/digest" \
        "docker-archive:$archive" "docker://$where/$name" >&2
    echo "$where/${name%:*}@$(cat "$state/digest")"
}

stop() {
    local pid
    if address >/dev/null; then
        pid=$(cat "$state/pid")
        kill "$pid"
        for _ in $(seq 50); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
    fi
    rm -rf "$state/data" "$state/pid" "$state/address" "$state/config.yml" "$state/digest" "$state/log" "$state/htpasswd" "$state"/{ca,server}.* \
        "$state/openssl.log"
}

case ${1:-} in
start | start-private | start-tls | push | fill | stop) "$@" ;;
*) die "unknown command \`${1:-}\`" "$usage" ;;
esac
