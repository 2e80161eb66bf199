#!/usr/bin/env python3
"""Docker archives of many entries, for benchmarks: the same bytes every time, written as they are made.

    synthetic.py deletions FILES DELETIONS OUT   a layer of FILES small files, and one that deletes DELETIONS of them
    synthetic.py entries ENTRIES OUT             one layer of so many entries, a folder for each thousand
    synthetic.py noise FILES MEGABYTES OUT       a layer for each of FILES files of so many MB that do not compress
"""

import hashlib
import io
import json
import random
import sys
import tarfile


def header(name, size, kind=b"0"):
    """A ustar header. tarfile takes twenty times as long for one."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:124] = b"0000644\0" b"0000000\0" b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"%011o\0" % 1625788800
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = b"ustar\00000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def files(count):
    """Files of sixteen bytes, no two alike, in folders of a thousand."""
    for number in range(count):
        if number % 1000 == 0:
            yield header(b"usr/share/d%05d/" % (number // 1000), 0, b"5")
        content = b"%016d" % number
        yield header(b"usr/share/d%05d/file-%07d.txt" % (number // 1000, number), len(content)) + content.ljust(512, b"\0")


def deletions(files_there, count):
    """Whiteouts, spread evenly over the files."""
    for index in range(count):
        number = index * files_there // count
        yield header(b"usr/share/d%05d/.wh.file-%07d.txt" % (number // 1000, number), 0)


def noise(number, megabytes):
    """A file of bytes that look random; its length is a multiple of a block."""
    size = megabytes * 1_000_000 // 512 * 512
    yield header(b"srv/model-%d.bin" % number, size)
    source = random.Random(number)
    for start in range(0, size, 1 << 20):
        yield source.randbytes(min(1 << 20, size - start))


class Layer:
    """A layer that is made twice: once for its length and digest, once to be written."""

    def __init__(self, make):
        self.make = make
        self.digest, self.size = hashlib.sha256(), 0
        for block in self.blocks():
            self.digest.update(block)
            self.size += len(block)
        self.digest = self.digest.hexdigest()

    def blocks(self):
        yield from self.make()
        yield bytes(1024)


def write(layers, path):
    ids = ["sha256:" + layer.digest for layer in layers]
    names = [layer.digest + "/layer.tar" for layer in layers]
    history = [{"created_by": f"RUN step {index}"} for index in range(len(layers))]
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {}, "history": history, "rootfs": {"type": "layers", "diff_ids": ids}}
    ).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": ["synthetic:1"], "Layers": names}]).encode()
    with open(path, "wb") as out:
        for name, layer in zip(names, layers):
            # Beyond 8 GiB ustar has no number for it.
            info = tarfile.TarInfo(name)
            info.size = layer.size
            out.write(info.tobuf(tarfile.GNU_FORMAT))
            for block in layer.blocks():
                out.write(block)
            out.write(bytes(-layer.size % 512))
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as rest:
            for name, content in ((config_name, config), ("manifest.json", manifest)):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                rest.addfile(info, io.BytesIO(content))


def main():
    match sys.argv[1:]:
        case ["deletions", there, count, path]:
            there, count = int(there), int(count)
            write([Layer(lambda: files(there)), Layer(lambda: deletions(there, count))], path)
        case ["entries", count, path]:
            # A folder is an entry too.
            count = int(count) * 1000 // 1001
            write([Layer(lambda: files(count))], path)
        case ["noise", count, megabytes, path]:
            write([Layer(lambda number=number: noise(number, int(megabytes))) for number in range(int(count))], path)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
