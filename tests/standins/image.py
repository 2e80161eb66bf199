#!/usr/bin/env python3
"""Writes an image archive from layer tars, with nothing in it that changes from run to run.

    image.py config --tag TAG [--env K=V]... [--cmd JSON] [--label K=V]... --layer FILE WORDS...
        The image's config on standard output. Its sha256 is the image id.
    image.py write (same options)
        The archive on standard output.
    image.py holds CONFIG < INSPECT
        Does the engine's answer to `GET /images/NAME/json` describe the image with this config? Exit code 0 or 1.

Each `--layer FILE WORDS` is one layer, lowest first; WORDS become its `created_by` in the image's history.
The format is that of `docker save` (manifest.json, config, layers), which Docker, Podman and skopeo read.
Only the standard library, Python 3.6 or newer.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import sys
import tarfile
import time

EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1625788800"))
CREATED = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CHUNK = 1 << 20


def digest_of(path):
    """The sha256 of a layer; kept beside it in a `.sha256` file, as a layer may be a gigabyte."""
    kept = path + ".sha256"
    if os.path.exists(kept) and os.path.getmtime(kept) >= os.path.getmtime(path):
        with open(kept) as file:
            digest = file.read().strip()
        if len(digest) == 64:
            return digest
    state = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            state.update(chunk)
    with open(kept + ".part", "w") as file:
        file.write(state.hexdigest() + "\n")
    os.replace(kept + ".part", kept)
    return state.hexdigest()


def config_of(options, digests):
    """The image's config as bytes: its sha256 is the image id."""
    machine = platform.machine()
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "created": CREATED,
        "config": {
            "Env": options.env,
            "Cmd": json.loads(options.cmd),
            "Labels": dict(label.split("=", 1) for label in options.label),
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest for digest in digests]},
        "history": [{"created": CREATED, "created_by": words} for _, words in options.layer],
    }
    # what the config sets leaves no layer, but the official images' history tells of it too
    config["history"].append(
        {"created": CREATED, "created_by": "CMD " + options.cmd, "empty_layer": True}
    )
    return json.dumps(config, sort_keys=True, separators=(",", ":")).encode()


def write(options, digests, config, output):
    """The archive: config, layers (each once), manifest."""
    name = hashlib.sha256(config).hexdigest() + ".json"
    layers = [digest + ".tar" for digest in digests]
    manifest = [{"Config": name, "RepoTags": [options.tag], "Layers": layers}]
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.GNU_FORMAT) as archive:

        def add(entry_name, size, file):
            entry = tarfile.TarInfo(entry_name)
            entry.size, entry.mtime, entry.mode = size, EPOCH, 0o644
            archive.addfile(entry, file)

        add(name, len(config), io.BytesIO(config))
        written = set()
        for layer, (path, _) in zip(layers, options.layer):
            if layer in written:
                continue
            written.add(layer)
            with open(path, "rb") as file:
                add(layer, os.path.getsize(path), file)
        data = json.dumps(manifest).encode()
        add("manifest.json", len(data), io.BytesIO(data))


def holds(config_path):
    """Engines differ in what an image id is (config or manifest digest), so layers and labels decide as well."""
    with open(config_path, "rb") as file:
        raw = file.read()
    wanted = json.loads(raw)
    found = json.load(sys.stdin)
    if found.get("Id", "").endswith(hashlib.sha256(raw).hexdigest()):
        return True
    return (
        found.get("RootFS", {}).get("Layers") == wanted["rootfs"]["diff_ids"]
        and (found.get("Config") or {}).get("Labels") == wanted["config"]["Labels"]
        and (found.get("Config") or {}).get("Env") == wanted["config"]["Env"]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", metavar="config|write|holds")
    verbs.required = True
    for verb in ("config", "write"):
        options = verbs.add_parser(verb)
        options.add_argument("--tag", required=True)
        options.add_argument("--env", action="append", default=[])
        options.add_argument("--cmd", default='["sh"]')
        options.add_argument("--label", action="append", default=[])
        options.add_argument("--layer", action="append", nargs=2, required=True, metavar=("FILE", "WORDS"))
    verbs.add_parser("holds").add_argument("config")
    options = parser.parse_args()

    if options.verb == "holds":
        return 0 if holds(options.config) else 1
    digests = [digest_of(path) for path, _ in options.layer]
    config = config_of(options, digests)
    if options.verb == "config":
        sys.stdout.buffer.write(config)
    else:
        write(options, digests, config, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
