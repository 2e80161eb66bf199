#!/usr/bin/env python3
"""An image with packages of all ecosystems, and what their own tools say of it.

    ecosystems.py make WORK      makes WORK/root and WORK/image.tar, with WORK/expected.json
    ecosystems.py compare WORK   WORK/weighed.json against it, as a Markdown table; exits 1 where they disagree

Made by the ecosystem's own tool: npm, Python (pip), Ruby (gem), PHP (composer), R, Java (javac, jar), Go, rpm. Written
here to the published format, because no tool of theirs is in Debian or PyPI: .NET, conda, Nix, Chisel, yarn, and
pnpm. Bytes of a package are those of its files by `os.lstat`, each inode once, computed without tonnage.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile


# Files this many times as large as they are written here, so that rpm's own database is a small part.
SCALE = 20


def run(*command, cwd=None, **more):
    environment = {**os.environ, "LC_ALL": "C", **more}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout


def write(path, content=b"", size=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(content + b"x" * max(0, size * SCALE - len(content)))


def below(*paths):
    """Bytes of files and links at and below paths, each inode once."""
    seen, total = set(), 0
    for path in paths:
        names = [path] + [pathlib.Path(at) / name for at, _, files in os.walk(path) for name in files]
        names += [pathlib.Path(at) / name for at, folders, _ in os.walk(path) for name in folders]
        for name in names:
            info = name.lstat()
            if (name.is_symlink() or name.is_file()) and info.st_ino not in seen:
                seen.add(info.st_ino)
                total += info.st_size
    return total


class Expected:
    def __init__(self, root):
        self.root, self.rows = root, []

    def add(self, manager, name, version, size, source):
        self.rows.append([manager, name, version, size, source])


def npm(root, work, expected):
    """Three packages and a development one, from archives that `npm pack` makes."""
    sources = work / "npm"
    packed = {}
    for name, version, size in [("left", "1.0.0", 40_000), ("@scope/right", "2.1.0", 30_000), ("left", "2.0.0", 50_000), ("tool", "0.1.0", 20_000)]:
        at = sources / f"{name.replace('/', '-')}-{version}"
        description = {"name": name, "version": version}
        if name == "@scope/right":
            description["dependencies"] = {"left": "file:" + packed["left", "1.0.0"]}
        write(at / "package.json", json.dumps(description))
        write(at / "index.js", "module.exports = 1\n//", size)
        packed[name, version] = str(sources / run("npm", "pack", "--silent", at, cwd=sources).strip().splitlines()[-1])
    app = root / "srv/app"
    write(app / "package.json", json.dumps({
        "name": "app", "version": "1.0.0",
        "dependencies": {"left": "file:" + packed["left", "2.0.0"], "@scope/right": "file:" + packed["@scope/right", "2.1.0"]},
        "devDependencies": {"tool": "file:" + packed["tool", "0.1.0"]},
    }))
    run("npm", "install", "--offline", "--no-audit", "--no-fund", "--cache", work / "npm-cache", cwd=app)
    modules = app / "node_modules"
    listed = run("npm", "ls", "--all", "--parseable", "--long", cwd=app).splitlines()
    for line in listed[1:]:
        # PATH:NAME@VERSION[:…]
        path, whole = line.split(":")[:2]
        name, version = whole.rsplit("@", 1)
        size = below(pathlib.Path(path))
        nested = pathlib.Path(path) / "node_modules"
        expected.add("npm", name, version, size - (below(nested) if nested.exists() else 0), "npm ls")
    assert modules.is_dir()


def python(root, work, expected):
    site = root / "usr/local/lib/python3.11/site-packages"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", site, "idna==3.7", "click==8.1.7")
    for name, version in [("idna", "3.7"), ("click", "8.1.7")]:
        size = below(site / name, *site.glob(f"{name}-*.dist-info"))
        expected.add("python", name, version, size, "pip")


def ruby(root, work, expected):
    sources = work / "gem"
    write(sources / "lib/ruby_part.rb", "# ruby", 25_000)
    write(sources / "part.gemspec", 'Gem::Specification.new { |s| s.name = "ruby_part"; s.version = "0.4.2"; s.summary = "x"; s.authors = ["x"]; s.files = ["lib/ruby_part.rb"] }\n')
    run("gem", "build", "part.gemspec", cwd=sources)
    home = root / "usr/local/bundle"
    run("gem", "install", "--local", "--no-document", "--install-dir", home, "--force", sources / "ruby_part-0.4.2.gem", cwd=sources)
    listed = re.findall(r"^(\S+) \(([^)]+)\)$", run("gem", "list", "--local", GEM_HOME=str(home), GEM_PATH=str(home)), re.M)
    # Ruby's own gems are listed too: they are not in this root.
    here = [(name, version) for name, version in listed if (home / f"specifications/{name}-{version}.gemspec").exists()]
    for name, version in here:
        whole = f"{name}-{version}"
        paths = [home / "gems" / whole, home / f"specifications/{whole}.gemspec", home / f"cache/{whole}.gem"]
        expected.add("ruby", name, version, below(*paths), "gem list")


def php(root, work, expected):
    sources = work / "php"
    for name, size in [("acme/log", 22_000), ("acme/test", 18_000)]:
        write(sources / name / "composer.json", json.dumps({"name": name, "version": "3.1.4"}))
        write(sources / name / "src/x.php", "<?php //", size)
    app = root / "srv/php"
    repositories = [{"type": "path", "url": str(sources / "acme" / name), "options": {"symlink": False}} for name in ("log", "test")]
    write(app / "composer.json", json.dumps({
        "repositories": [*repositories, {"packagist.org": False}],
        "require": {"acme/log": "3.1.4"}, "require-dev": {"acme/test": "3.1.4"},
    }))
    run("composer", "install", "--no-interaction", "--quiet", cwd=app, COMPOSER_ALLOW_SUPERUSER="1", COMPOSER_HOME=str(work / "composer"))
    shown = json.loads(run("composer", "show", "--format=json", cwd=app, COMPOSER_ALLOW_SUPERUSER="1", COMPOSER_HOME=str(work / "composer")))
    for package in shown["installed"]:
        expected.add("php", package["name"], package["version"], below(app / "vendor" / package["name"]), "composer show")


def r(root, work, expected):
    source = work / "r/rpart0"
    write(source / "DESCRIPTION", "Package: rpart0\nVersion: 0.2\nTitle: x\nDescription: x.\nAuthor: x\nMaintainer: x <x@example.org>\nLicense: MIT\n")
    write(source / "NAMESPACE", "export(f)\n")
    write(source / "R/f.R", "f <- function() 1\n")
    write(source / "inst/data.txt", "r", 35_000)
    library = root / "usr/local/lib/R/site-library"
    library.mkdir(parents=True)
    run("R", "CMD", "INSTALL", "--no-docs", f"--library={library}", source)
    listed = run("Rscript", "-e", f'x <- installed.packages("{library}"); cat(paste(x[,"Package"], x[,"Version"], sep=" ", collapse="\\n"))')
    for line in listed.splitlines():
        name, version = line.split()
        expected.add("r", name, version, below(library / name), "installed.packages")


def java(root, work, expected):
    sources = work / "java"
    write(sources / "a/A.java", "package a; public class A { public static void main(String[] x) { } }\n")
    run("javac", "-d", sources / "classes", sources / "a/A.java")
    write(sources / "classes/data.bin", os.urandom(30_000))
    pom = sources / "classes/META-INF/maven/org.example/inner-lib/pom.properties"
    write(pom, "artifactId=inner-lib\ngroupId=org.example\nversion=5.6.7\n")
    boot = sources / "boot/BOOT-INF/lib"
    boot.mkdir(parents=True)
    run("jar", "--create", "--file", boot / "inner-lib-5.6.7.jar", "-C", sources / "classes", ".")
    write(sources / "boot/BOOT-INF/classes/x.bin", os.urandom(9_000))
    target = root / "opt/java-app/service-1.0.0.jar"
    target.parent.mkdir(parents=True)
    # Spring Boot stores the libraries in it without packing them.
    run("jar", "--create", "--no-compress", "--file", target, "-C", sources / "boot", ".")
    listed = run("jar", "--list", "--file", target)
    inner = re.findall(r"^BOOT-INF/lib/(.+)-([0-9.]+)\.jar$", listed, re.M)
    inside = (boot / "inner-lib-5.6.7.jar").stat().st_size
    for name, version in inner:
        expected.add("java", f"org.example:{name}", version, inside, "jar --list")
    expected.add("java", "service", "1.0.0", target.stat().st_size - inside, "jar --list")


def go(root, work, expected):
    sources = work / "go"
    write(sources / "dep/go.mod", "module example.org/dep\n\ngo 1.19\n")
    write(sources / "dep/dep.go", "package dep\n\nfunc F() int { return 1 }\n")
    write(sources / "app/go.mod", "module example.org/app\n\ngo 1.19\n\nrequire example.org/dep v1.2.3\n\nreplace example.org/dep v1.2.3 => ../dep\n")
    write(sources / "app/main.go", 'package main\n\nimport "example.org/dep"\n\nfunc main() { println(dep.F()) }\n')
    target = root / "usr/local/bin/go-app"
    run("go", "build", "-o", target, ".", cwd=sources / "app", GOFLAGS="-mod=mod", GOPROXY="off", GOCACHE=str(work / "go-cache"), CGO_ENABLED="0", GOTOOLCHAIN="local")
    listed = run("go", "version", "-m", target)
    lines = [line.strip().split("\t") for line in listed.splitlines()]
    replaced = [line for line in lines if line[0] == "=>"]
    for line in lines:
        if line[0] == "mod":
            expected.add("go", line[1], line[2], target.stat().st_size, "go version -m")
    for line in replaced:
        expected.add("go", line[1], line[2] if len(line) > 2 else "", 0, "go version -m")


def rpm(root, work, expected):
    top = work / "rpm"
    write(top / "SPECS/alpha.spec", """Name: alpha
Version: 1.2
Release: 3
Epoch: 4
Summary: a
License: MIT
BuildArch: noarch
%description
a
%install
mkdir -p %{buildroot}/usr/share/alpha
for i in $(seq 1 300); do printf "$i" > %{buildroot}/usr/share/alpha/file-number-$i; done
%files
/usr/share/alpha
""")
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", top / "SPECS/alpha.spec")
    packages = list(top.glob("RPMS/noarch/*.rpm"))
    options = ["rpm", "--root", root, "--dbpath", "/var/lib/rpm"]
    run(*options, "-i", "--nodeps", *packages)
    for line in run(*options, "-qa", "--queryformat", "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n").splitlines():
        name, version = line.split()
        files = run(*options, "-ql", name).splitlines()
        paths = [root / path.lstrip("/") for path in files]
        expected.add("rpm", name, version, below(*[path for path in paths if path.is_file()]), "rpm -qa")


def written(root, expected):
    """To the published formats."""
    # .NET: `dotnet publish` (dotnet/sdk, "runtime configuration files").
    app = root / "opt/net"
    write(app / "Json.Part.dll", size=33_000)
    write(app / "App.dll", size=11_000)
    write(app / "App.deps.json", json.dumps({
        "targets": {".NETCoreApp,Version=v8.0": {
            "App/1.0.0": {"runtime": {"App.dll": {}}},
            "Json.Part/13.0.1": {"runtime": {"lib/net6.0/Json.Part.dll": {"fileVersion": "13.0"}}},
        }},
        "libraries": {"App/1.0.0": {"type": "project"}, "Json.Part/13.0.1": {"type": "package"}},
    }))
    expected.add("dotnet", "App", "1.0.0", 11_000 * SCALE, "format")
    expected.add("dotnet", "Json.Part", "13.0.1", 33_000 * SCALE, "format")
    # conda: conda-build, "Package metadata", `conda-meta`.
    prefix = root / "opt/conda"
    write(prefix / "lib/libzed.so", size=44_000)
    meta = prefix / "conda-meta/zed-1.3.1-h0_0.json"
    write(meta, json.dumps({"name": "zed", "version": "1.3.1", "build": "h0_0", "files": ["lib/libzed.so"]}))
    expected.add("conda", "zed", "1.3.1", 44_000 * SCALE + meta.stat().st_size, "format")
    # Nix: the store's paths.
    at = root / "nix/store/0123456789abcdfghijklmnpqrsvwxyz-hello-2.12.1"
    write(at / "bin/hello", size=27_000)
    expected.add("nix", "hello", "2.12.1", 27_000 * SCALE, "format")
    # pnpm: node_modules/.pnpm, the visible name a link.
    modules = root / "srv/pnpm/node_modules"
    write(modules / ".pnpm/inside@4.0.0/node_modules/inside/package.json", json.dumps({"name": "inside", "version": "4.0.0"}))
    write(modules / ".pnpm/inside@4.0.0/node_modules/inside/x.js", size=19_000)
    (modules / "inside").symlink_to(".pnpm/inside@4.0.0/node_modules/inside")
    expected.add("npm", "inside", "4.0.0", below(modules / ".pnpm/inside@4.0.0"), "format (pnpm)")
    # yarn: `.yarn/cache` of Plug'n'Play.
    write(root / "srv/yarn/.yarn/cache/@zip-part-npm-1.1.0-0123456789-abcdef0123.zip", size=21_000)
    expected.add("npm", "@zip/part", "1.1.0", 21_000 * SCALE, "format (yarn)")


def image(root, work):
    """A docker archive of the root in one layer."""
    layer = work / "layer.tar"
    with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(root, arcname=".")
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    write(work / "config.json", json.dumps({
        "architecture": "amd64", "os": "linux", "config": {}, "history": [{"created_by": "COPY root /"}],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }))
    write(work / "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": ["ecosystems:1"], "Layers": ["layer.tar"]}]))
    with tarfile.open(work / "image.tar", "w") as archive:
        for name in ("manifest.json", "config.json", "layer.tar"):
            archive.add(work / name, arcname=name)


def make(work):
    root = work / "root"
    root.mkdir()
    expected = Expected(root)
    for step in (rpm, npm, python, ruby, php, r, java, go):
        print(step.__name__, file=sys.stderr)
        step(root, work, expected)
    written(root, expected)
    image(root, work)
    write(work / "expected.json", json.dumps(expected.rows))


def compare(work):
    expected = json.loads((work / "expected.json").read_text())
    weighed = json.loads((work / "weighed.json").read_text())["targets"][0]
    found = {(row["manager"], row["name"], row["version"]): row["size_bytes"] for row in weighed["packages"]}
    wrong = False
    print("| manager | package | version | bytes | tonnage | said by |\n|---|---|---|---:|---:|---|")
    for manager, name, version, size, source in sorted(expected):
        bytes_found = found.pop((manager, name, version), None)
        wrong |= bytes_found != size
        print(f"| {manager} | {name} | {version} | {size} | {'missing' if bytes_found is None else bytes_found} | {source} |")
    for (manager, name, version), size in sorted(found.items()):
        wrong = True
        print(f"| {manager} | {name} | {version} | not listed | {size} | |")
    whole = weighed["sizes"]["size_bytes"]
    rest = {row["label"]: row["size_bytes"] for row in weighed["remainder"]}
    packages = sum(row["size_bytes"] for row in weighed["packages"])
    share = sum(rest.values()) / whole
    print(f"\n{packages} in packages + {sum(rest.values())} in no package = {whole}; no package: {share:.1%} ({rest})")
    wrong |= packages + sum(rest.values()) != whole or whole != below(work / "root") or share >= 0.1
    sys.exit(wrong)


if __name__ == "__main__":
    {"make": make, "compare": compare}[sys.argv[1]](pathlib.Path(sys.argv[2]).resolve())
