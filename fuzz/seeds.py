#!/usr/bin/env python3
"""Writes the first inputs of the fuzz targets: small archives, layers, package databases and ignore files.

    fuzz/seeds.py FOLDER      makes FOLDER/{archive,layer,packages,formats,dockerignore}/*

Made with Python's own modules and by hand, the same bytes every time; what a fuzzer would not find by itself in hours
(dialects of tar, compressed layers, formats of archives) is here once each.
"""

import contextlib
import gzip
import hashlib
import io
import json
import pathlib
import sqlite3
import struct
import sys
import tarfile
import tempfile
import zipfile


def tar(entries, dialect=tarfile.GNU_FORMAT, headers=None):
    """A tar of (name, kind, content or link target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=dialect, pax_headers=headers or {}) as archive:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content.decode()
                archive.addfile(info)
    # The end mark is two blocks; tarfile's padding to 10 KiB would only slow the fuzzer down.
    return out.getvalue().rstrip(b"\0").ljust(-(-len(out.getvalue().rstrip(b"\0")) // 512) * 512, b"\0") + bytes(1024)


def file(name, content=b"x"):
    return name, tarfile.REGTYPE, content


def folder(name):
    return name, tarfile.DIRTYPE, b""


def symlink(name, target):
    return name, tarfile.SYMTYPE, target.encode()


def hard_link(name, target):
    return name, tarfile.LNKTYPE, target.encode()


BELOW = [
    folder("etc"),
    file("etc/a", b"0123456789"),
    hard_link("etc/b", "etc/a"),
    symlink("lib", "usr/lib"),
    folder("usr/lib/d"),
    file("usr/lib/d/x.so.1", b"y" * 600),
    file("var/lib/dpkg/status", b"Package: p\nStatus: install ok installed\nVersion: 1\n"),
    file("var/lib/dpkg/info/p.list", b"/.\n/etc/a\n/lib/d/x.so.1\n"),
]
ABOVE = [
    file("etc/.wh.a", b""),
    file("usr/lib/d/.wh..wh..opq", b""),
    file("usr/lib/d/new", b"z" * 30),
    file("etc/b", b"01234"),
    folder("lib"),
    file("lib/apk/db/installed", b"P:q\nV:2\nF:lib\nR:y\n"),
]
LONG = [file("d/" * 90 + "name", b"long"), symlink("l", "t/" * 120), file("./../a/./b", b"dots")]
DIALECTS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def sparse():
    """A PAX sparse file of each format, written as ordinary files with the records that make them sparse."""
    for records in (
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s", "GNU.sparse.realsize": "9000"},
        {"GNU.sparse.map": "0,10", "GNU.sparse.name": "s", "GNU.sparse.size": "9000", "GNU.sparse.numblocks": "1"},
        {"path": "p", "size": "3", "linkpath": "q", "comment": "c"},
    ):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo("stored")
            info.size = 3
            info.pax_headers = records
            archive.addfile(info, io.BytesIO(b"abc"))
        yield out.getvalue()[:3072]
    old = bytearray(tar([file("holes", b"q" * 512)]))
    old[156:157] = b"S"
    old[482] = 0
    old[483:495] = b"00000100000\0"
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old[:512])
    yield bytes(old)


def zstd_raw(content):
    """A zstd frame of raw blocks (RFC 8878), 128 KiB at most each."""
    blocks = [content[at : at + 100000] for at in range(0, len(content), 100000)] or [b""]
    out = b"\x28\xb5\x2f\xfd\x00\x58"
    for index, block in enumerate(blocks):
        out += ((len(block) << 3) | (index == len(blocks) - 1)).to_bytes(3, "little") + block
    return out


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def config(layers):
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "app", "WorkingDir": "/etc", "Env": ["A=b"]},
            "history": [{"created_by": "RUN x"}, {"created_by": "ENV", "empty_layer": True}, {"created_by": "COPY y"}],
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        }
    ).encode()


def docker(layers, pack=bytes):
    """A docker archive whose members are not named by their digests, so that changes get past the check."""
    names = [f"{index}/layer.tar" for index in range(len(layers))]
    members = [file(name, pack(layer)) for name, layer in zip(names, layers)]
    members += [symlink("link/layer.tar", "../0/layer.tar"), file("VERSION", b"1.0")]
    manifest = [{"Config": "config.json", "RepoTags": ["x:1"], "Layers": names}]
    return tar([*members, file("config.json", config(layers)), file("manifest.json", json.dumps(manifest).encode())])


def oci(layers, pack):
    def blob(content):
        return file("blobs/" + digest(content).replace(":", "/"), content)

    def point(content, **more):
        return {"digest": digest(content), "size": len(content), **more}

    packed = [pack(layer) for layer in layers]
    image = config(layers)
    manifest = json.dumps({"config": point(image), "layers": [point(layer) for layer in packed]}).encode()
    unknown = {"os": "unknown", "architecture": "unknown"}
    statement = json.dumps({"config": {}, "layers": [{"mediaType": "application/vnd.in-toto+json"}]}).encode()
    nested = json.dumps({"manifests": [point(statement, platform=unknown), point(manifest)]}).encode()
    annotations = {"org.opencontainers.image.ref.name": "x:1"}
    index = json.dumps({"schemaVersion": 2, "manifests": [point(nested, annotations=annotations)]}).encode()
    blobs = [blob(content) for content in [*packed, statement, nested, manifest, image]]
    return tar([*blobs, file("index.json", index), file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')])


def pack_gzip(content):
    return gzip.compress(content, mtime=0)


def archives():
    layers = [tar(BELOW), tar(ABOVE)]
    yield docker(layers)
    yield docker(layers[:1], pack_gzip)
    yield docker([tar(LONG, tarfile.PAX_FORMAT)], zstd_raw)
    yield oci(layers, bytes)
    yield oci(layers, pack_gzip)
    yield oci(layers, zstd_raw)
    yield pack_gzip(docker(layers))
    yield zstd_raw(docker(layers))
    yield docker([])
    yield tar([file("manifest.json", b"[]")])


def layers():
    for dialect in DIALECTS:
        below, above = tar(BELOW, dialect), tar(ABOVE, dialect)
        for packing in (0, 1, 2):
            yield bytes([packing, len(below) // 512]) + below + above
    for dialect in DIALECTS[1:]:
        yield bytes([2, 255]) + tar(LONG, dialect)
    yield bytes([2, 255]) + tar(ABOVE, tarfile.PAX_FORMAT, {"path": "global", "size": "9"})
    for content in sparse():
        yield bytes([2, 255]) + content


def databases():
    status = b"Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\nPackage: b\nVersion: 2\n"
    yield b"\xff".join(
        [
            status,
            b"/bin/a\n/usr/lib/x.so.1\n/lib64/x.so.1\n/loop/x\n/usr/up/bin/a\n",
            b"/usr/bin/b\n/etc/c\r\n//\n/..\n",
            b"Package: c\nVersion: 3\n",
            b"0123  etc/c\n4567  usr/share/doc/a/copyright\n",
            b"P:m\nV:1\nF:bin\nR:a\nF:usr/lib\nR:x.so.1\n\nP:n\nV:2\n\n",
            b"P:o\nV:1\nF:etc\nR:c\n",
            b"Metadata-Version: 2.1\nName: d\nVersion: 1\n\nName: no\n",
            b'd/__init__.py,sha256=x,1\n"d/a,b.py",,\n../../../bin/a,,\nd-1.dist-info/RECORD,,\n/etc/c,,\n',
            b"Name: e\nVersion: 1\n",
            b"../e.py\n.\nPKG-INFO\n",
            b"Name: f\nVersion: 1\n",
        ]
    )
    yield status
    yield b"\xff" * 5 + b"P:m\nV:1\nF:bin\nR:a\n"
    yield b"\xff" * 7 + b"Name: d\n\xffd/__init__.py,,\n"


def rpm_header(name, files):
    """A header of rpm: name, version, release, and files in one directory."""
    texts = [(1000, [name]), (1001, [b"1"]), (1002, [b"2"]), (1117, files), (1118, [b"/usr/share/a/"])]
    index, data = b"", b""
    for tag, values in texts:
        index += struct.pack(">IIII", tag, 8, len(data), len(values))
        data += b"".join(value + b"\0" for value in values)
    index += struct.pack(">IIII", 1116, 4, len(data), len(files))
    data += bytes(4 * len(files))
    return struct.pack(">II", len(texts) + 1, len(data)) + index + data


def sqlite(headers):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rpmdb.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA page_size = 512")
            database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
            database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(header,) for header in headers])
            database.commit()
        return path.read_bytes()


def ndb(headers):
    slots, blobs = b"", b""
    for index, header in enumerate(headers, 1):
        slots += b"Slot" + struct.pack("<III", index, (4096 + len(blobs)) // 16, 1)
        blob = b"BlbS" + struct.pack("<III", index, 0, len(header)) + header
        blobs += blob.ljust(-(-len(blob) // 16) * 16, b"\0")
    return (b"RpmP" + struct.pack("<III", 0, 0, 1) + bytes(16) + slots).ljust(4096, b"\0") + blobs


def program():
    """An ELF file with one segment, which has Go's build information."""
    modules = b"0" * 16 + b"path\ta/b\nmod\ta\tv1\ndep\tc\tv2\n=>\td\tv3\n" + b"0" * 16
    information = b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x06go1.21" + bytes([len(modules)]) + modules
    head = b"\x7fELF\x02\x01".ljust(32, b"\0") + struct.pack("<QQIHHHHHH", 64, 0, 0, 64, 56, 1, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 1, 6, 128, 128, 128, len(information), len(information), 16)
    return head.ljust(128, b"\0") + information


def jar(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, packing in members:
            archive.writestr(zipfile.ZipInfo(name), content, packing)
    return out.getvalue()


def formats():
    """The first byte is the place of the file in the target's list."""
    headers = [rpm_header(b"a", [b"x"]), rpm_header(b"b", [b"file-%d" % index for index in range(60)])]
    properties = ("META-INF/maven/g/a/pom.properties", "version=1\n", zipfile.ZIP_DEFLATED)
    inner = jar([properties, ("A.class", b"c" * 40, zipfile.ZIP_STORED)])
    outer = jar([("BOOT-INF/lib/a-1.jar", inner, zipfile.ZIP_STORED), ("b-2.jar", inner, zipfile.ZIP_DEFLATED)])
    chisel = b'{"kind":"package","name":"a","version":"1"}\n{"kind":"path","path":"/usr/share/a/x","slices":["a_b"]}\n'
    files = {"App/1": {"runtime": {"A.dll": {}}}, "B/2": {"resources": {"x/B.dll": {"locale": "de"}}}}
    for kind, content in [
        (0, sqlite(headers)),
        (1, ndb(headers)),
        (2, program()),
        (3, outer),
        (3, jar([("META-INF/MANIFEST.MF", "Implementation-Version: 9\r\n", zipfile.ZIP_DEFLATED)])),
        (4, b'{"name":"a","version":"1","devDependencies":{"b":"1"}}'),
        (5, b'{"packages":{"node_modules/a":{"dev":true}}}'),
        (6, b'{"name":"p","devDependencies":{"a":"1"}}'),
        (7, b'{"packages":[{"name":"a/b","version":"1","install-path":"../a/b"}],"dev-package-names":["a/b"]}'),
        (7, b'[{"name":"a/b","version":"1"}]'),
        (8, json.dumps({"targets": {"net8.0": files}}).encode()),
        (9, b'{"name":"a","version":"1","files":["lib/x.so"]}'),
        (10, zstd_raw(chisel)),
        (11, b'Gem::Specification.new do |s|\n  s.name = "a".freeze\n  s.version = "1"\nend\n'),
        (12, b"Package: a\nVersion: 1\nBuilt: R 4\n"),
        (13, b"//x/:_authToken=abc\n"),
    ]:
        yield bytes([kind]) + content


def ignores():
    for text, path in [
        ("*.md\n!README*.md\n", "README.md"),
        ("**/*.go\n#c\n!a/**\n", "a/b/c.go"),
        ("a/**/b\n[a-c]?\n", "a/x/y/b"),
        ("**x\ny**\n", "a/bx"),
        ("[^a\\]].txt\n\\#x\n", "b.txt"),
        ("/foo/bar/\n! foo/bar/z\n", "foo/bar/z"),
        ("****\n*a*b*\n", "aXbY"),
    ]:
        yield text.encode() + b"\0" + path.encode()


def main():
    root = pathlib.Path(sys.argv[1])
    seeds = {"archive": archives(), "layer": layers(), "packages": databases(), "formats": formats(), "dockerignore": ignores()}
    for name, contents in seeds.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for content in contents:
            (root / name / hashlib.sha1(content).hexdigest()).write_bytes(content)


if __name__ == "__main__":
    main()
