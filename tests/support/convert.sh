#!/usr/bin/env bash
# One image in every format that engines and tools write it in: saved by the engine at DOCKER_HOST, from there loaded
# into a Podman of its own and saved again, and converted by skopeo. Prints the path of each form.
#
#   tests/support/convert.sh IMAGE FOLDER
set -euo pipefail
export LC_ALL=C

image=$1 folder=$2
docker save "$image" >"$folder/docker.tar"
echo "$folder/docker.tar"

# A store of its own: no service, nothing of this machine's Podman is seen or changed.
podman() {
    command podman --root "$folder/podman/root" --runroot "$folder/podman/run" --storage-driver vfs \
        --cgroup-manager cgroupfs --events-backend none "$@"
}
podman pull --quiet "docker-archive:$folder/docker.tar" >&2
loaded=$(podman images --quiet --no-trunc)
podman save --quiet --format docker-archive --output "$folder/podman-docker.tar" "$loaded" >&2
podman save --quiet --format oci-archive --output "$folder/podman-oci.tar" "$loaded" >&2
podman save --quiet --format oci-dir --output "$folder/podman-oci" "$loaded" >&2
podman rmi --all --force >&2
printf '%s\n' "$folder/podman-docker.tar" "$folder/podman-oci.tar" "$folder/podman-oci"

# to NAME DESTINATION OPTION...
to() {
    local name=$1 destination=$2
    shift 2
    skopeo --insecure-policy copy --quiet "$@" "docker-archive:$folder/docker.tar" "$destination" >&2
    echo "$folder/$name"
}
to skopeo-docker.tar "docker-archive:$folder/skopeo-docker.tar:tonnage/converted:1"
for format in gzip zstd; do
    to "oci-$format" "oci:$folder/oci-$format:1" --dest-compress-format "$format"
    to "oci-$format.tar" "oci-archive:$folder/oci-$format.tar:1" --dest-compress-format "$format"
done
to oci-plain "oci:$folder/oci-plain:1" --dest-oci-accept-uncompressed-layers
