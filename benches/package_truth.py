#!/usr/bin/env python3
"""Holds the package tables of `tonnage weigh` against what the package managers inside an image say.

    package_truth.py inside                      in a container: what dpkg, apk and Python say, as JSON
    package_truth.py compare NAME WEIGHED INSIDE on the host: a Markdown table; exits 1 where they disagree

What must be equal: the packages and their versions; for each, the bytes of the files that its manager lists, as they
are seen in the container; and packages + remainder = size. What cannot be equal is shown beside it: `Installed-Size`
and apk's installed size are what the package's builder counted, files rounded up to whole KiB, folders included,
before anything was left out of the image.
"""

import collections
import importlib.metadata
import json
import os
import re
import shutil
import stat
import subprocess
import sys

SKIPPED = ("/proc/", "/sys/", "/dev/", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf")


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode(
        "utf-8", "surrogateescape"
    )


class Files:
    """Bytes of listed files, each inode once: the first package that lists one has it, as with tonnage."""

    def __init__(self):
        self.taken = set()
        self.paths = set()

    def size(self, paths):
        total = 0
        for path in paths:
            # What the container engine mounts over the image.
            if path.startswith(SKIPPED):
                continue
            try:
                real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
                info = os.lstat(real)
            except OSError:
                continue
            if real in self.paths:
                continue
            if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode):
                self.paths.add(real)
                key = (info.st_dev, info.st_ino)
                if key not in self.taken:
                    self.taken.add(key)
                    total += info.st_size
        return total

    def owns(self, path):
        return os.path.realpath(path) in self.paths


def dpkg(files):
    if not shutil.which("dpkg-query"):
        return
    lines = output("dpkg-query", "-W", "-f", "${binary:Package}\t${Version}\t${Installed-Size}\t${db:Status-Status}\n")
    for line in lines.splitlines():
        name, version, kibibytes, status = line.split("\t")
        if status == "installed":
            listed = [path for path in output("dpkg-query", "-L", name).splitlines() if path.startswith("/")]
            own = files.size(listed)
            yield "dpkg", name.partition(":")[0], version, own, int(kibibytes or 0) * 1024


def apk(files):
    """From the database itself: `apk info -s` prints rounded KiB of the same `I:` lines."""
    for database in ("/lib/apk/db/installed", "/usr/lib/apk/db/installed"):
        if os.path.exists(database):
            break
    else:
        return
    with open(database, encoding="utf-8", errors="surrogateescape") as content:
        for paragraph in content.read().split("\n\n"):
            name = version = folder = ""
            installed, listed = 0, []
            for line in paragraph.splitlines():
                key, value = line[:2], line[2:]
                if key == "P:":
                    name = value
                elif key == "V:":
                    version = value
                elif key == "I:":
                    installed = int(value)
                elif key == "F:":
                    folder = value
                elif key == "R:":
                    listed.append(f"/{folder}/{value}")
            if name:
                yield "apk", name, version, files.size(listed), installed


def python(files):
    for found in sorted(importlib.metadata.distributions(), key=lambda found: str(found._path)):
        # A distribution that came as a package of the system is that package.
        if files.owns(str(found._path)) or files.owns(os.path.join(str(found._path), "METADATA")):
            continue
        metadata = os.path.join(str(found._path), "PKG-INFO" if str(found._path).endswith(".egg-info") else "METADATA")
        if files.owns(metadata):
            continue
        listed = [os.path.normpath(str(found.locate_file(path))) for path in found.files or []]
        own = files.size([metadata, *listed])
        yield "python", found.metadata["Name"], found.version, own, own


def inside():
    files = Files()
    json.dump([*dpkg(files), *apk(files), *python(files)], sys.stdout)


def compare(image, weighed_path, inside_path):
    with open(weighed_path, encoding="utf-8") as file:
        target = json.load(file)["targets"][0]
    with open(inside_path, encoding="utf-8") as file:
        truth = {(manager, name, version): (own, claimed) for manager, name, version, own, claimed in json.load(file)}
    size = target["sizes"]["size_bytes"]
    packages, remainder = target["packages"], target["remainder"]
    total = sum(row["size_bytes"] for row in packages) + sum(row["size_bytes"] for row in remainder)
    wrong = []
    if total != size:
        wrong.append(f"packages and remainder add up to {total:,}, the size is {size:,}")
    visible = collections.Counter()
    for path in target["paths"]:
        visible[path["package"]] += path["size_bytes"]
    ours = {(row["manager"], row["name"], row["version"]): row["size_bytes"] for row in packages}
    for key in sorted(truth.keys() - ours.keys()):
        wrong.append(f"not found: {key}")
    for key in sorted(ours.keys() - truth.keys()):
        wrong.append(f"not in the image: {key}")
    # Names are one package's alone, but for a Python distribution that is called like a system package.
    names = collections.Counter(name for _, name, _ in ours)
    by_manager = collections.defaultdict(lambda: [0, 0, 0, 0])
    for key in sorted(truth.keys() & ours.keys()):
        manager, name, _ = key
        own, claimed = truth[key]
        seen = visible[name] if names[name] == 1 else own
        if seen != own:
            wrong.append(f"{manager} {name}: {seen:,} bytes visible here, {own:,} in the container")
        row = by_manager[manager]
        row[0] += 1
        row[1] += ours[key]
        row[2] += own
        row[3] += claimed
    for manager, (count, stored, own, claimed) in sorted(by_manager.items()):
        ratio = f"{claimed / own:.3f}" if own else ""
        print(f"| {image} | {manager} | {count} | {stored:,} | {own:,} | {claimed:,} | {ratio} |")
    rest = sum(row["size_bytes"] for row in remainder)
    print(f"| {image} | no package | | {rest:,} | | | |")
    print(f"| {image} | **sum** | | {total:,} | size {size:,} | | |")
    for line in wrong[:40]:
        print(re.sub(r"[\x00-\x1f]", "?", f"error: {line}"), file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) == 5:
        compare(*sys.argv[2:])
    else:
        sys.exit(__doc__)
