#!/usr/bin/env python3
"""Size of an image by other means: a `docker save` stream on standard input, JSON on standard output.

Counts regular files (a hard link is 0) and the length of symlink targets, per layer in the manifest's order, with
nothing but Python's tarfile. Whiteouts (`.wh.*`) count 0. The truth that tests hold tonnage's own reader against.
"""

import json
import posixpath
import sys
import tarfile


def layer_size(stream):
    total = 0
    with tarfile.open(fileobj=stream, mode="r|*") as layer:
        for entry in layer:
            if posixpath.basename(entry.name.rstrip("/")).startswith(".wh."):
                continue
            if entry.isreg():
                total += entry.size
            elif entry.issym():
                total += len(entry.linkname.encode("utf-8", "surrogateescape"))
            # What is kept of each entry would grow with their number.
            layer.members = []
    return total


def main():
    sizes, links, manifest = {}, {}, None
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|*") as archive:
        for member in archive:
            name = posixpath.normpath(member.name)
            if member.issym():
                links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
            elif member.islnk():
                links[name] = posixpath.normpath(member.linkname)
            elif member.isreg() and name == "manifest.json":
                manifest = json.load(archive.extractfile(member))
            elif member.isreg():
                try:
                    sizes[name] = layer_size(archive.extractfile(member))
                except tarfile.ReadError:
                    pass  # A document.
    if manifest is None:
        sys.exit("no manifest.json")
    layers = []
    for name in manifest[0]["Layers"]:
        path = posixpath.normpath(name)
        for _ in range(16):
            path = links.get(path, path)
        layers.append({"name": name, "size_bytes": sizes[path]})
    json.dump({"size_bytes": sum(layer["size_bytes"] for layer in layers), "layers": layers}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
