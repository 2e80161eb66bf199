#!/usr/bin/env python3
"""Records what Docker's own clients send for many `.dockerignore` files.

    tests/clients/dockerignore.py > crates/dockerignore/tests/clients.tsv

Builds a fixed tree with `docker build`, with the classic builder and with BuildKit (which needs the buildx plugin), and
lists the files that arrive. Patterns are a list by hand and others from a fixed seed. All images that it makes are removed.
"""
import io, os, random, subprocess, sys, tarfile, tempfile

FILES = """README.md a a.b ab b/a b/ab b/c.md b/d/a b/d/x.md c/keep c/x.log c/d/keep c/d/x.log c/d/e/f.md d/a/b/c d1 [x *y \
!z #w d-e/a e/.hidden .hidden/a s/t u.md/v""".split()

BY_HAND = [
    "", "*", "**", "a", "/a", "b", "b/", "./b/../b", "*.md", "**/*.md", "*/*.md", "**/a", "a*", "[a-c]", "[^a-c]*", "\\!z", "#w",
    " #w", "\\#w", "*\n!a", "*\n!b", "*\n!b/d", "*\n!b/d/*.md", "*\n!**/*.md", "b\n!b/a", "b/**\n!b/a", "**/x.log\n!c", "**/x.log\n!c/d",
    "c/*\n!c/keep", "c\n!c/d\nc/d/x.log", "**/keep\n!c/**\n", "*\n!*/*\n", "c/d\n!**/f.md", "!a\na", "b\n!b", "b/*\n!b/d\n**/a", "**/d\n!c",
    "/!z", "*\n/!z", "! a", "*\n! a", "a**", "**a", "c**", "**/d/**", "d-*", "?", "??", "*/*", "*/*/*\n!b/d", "\\*y", "[[]x", "e/.*", ".*",
    "\ufeffa", "a\r\nb\r\n", "  a  ", "b//d", "../a", ".", "c/d/..", "**/**", "**/*d*\n!**/keep", "a\\d*", "^a*", "s\n!s/t\n!s/none",
]


def patterns():
    """The list by hand, then random files of one to four patterns."""
    yield from BY_HAND
    numbers = random.Random(20)
    pieces = ["a", "b", "c", "d", "keep", "x", ".md", ".log", "*", "*", "**", "**/", "/", "/", "?", "[a-c]", "[^b]"]
    for _ in range(60):
        lines = []
        for _ in range(numbers.randint(1, 4)):
            lines.append(numbers.choice(["", "", "!"]) + "".join(numbers.choice(pieces) for _ in range(numbers.randint(1, 4))))
        yield "\n".join(lines)


def docker(*arguments, **environment):
    return subprocess.run(["docker", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment})


def members(tar):
    names = (member.name for member in tarfile.open(fileobj=io.BytesIO(tar)) if not member.isdir())
    return sorted(name.removeprefix("./").removeprefix("c/") for name in names if name.removeprefix("./").startswith("c/"))


def classic(root, dockerfile):
    built = docker("build", "--quiet", "--no-cache", "--file", dockerfile, root, DOCKER_BUILDKIT="0")
    if built.returncode:
        return None
    image = built.stdout.decode().split()[-1]
    container = docker("create", image, "x").stdout.decode().strip()
    try:
        return members(docker("export", container).stdout)
    finally:
        docker("rm", container)
        docker("image", "rm", "--force", image)


def buildkit(root, dockerfile):
    built = docker("build", "--no-cache", "--output", "type=tar,dest=-", "--file", dockerfile, root, DOCKER_BUILDKIT="1")
    return None if built.returncode else members(built.stdout)


def main():
    client = docker("version", "--format", "{{.Client.Version}}").stdout.decode().strip()
    buildx = docker("buildx", "version").stdout.decode().split()[1:2]
    if not buildx:
        sys.exit("error: the buildx plugin of docker is missing\nhint: install docker-buildx")
    print(f"# What docker {client} (classic) and buildx {buildx[0]} send; made by tests/clients/dockerignore.py.")
    print("# The client, the ignore file, and the files that are sent; `!` alone: the client refuses to build.")
    print("files\t\t" + " ".join(sorted(FILES)))
    with tempfile.TemporaryDirectory() as directory:
        root, dockerfile = f"{directory}/context", f"{directory}/Dockerfile"
        for name in FILES:
            os.makedirs(os.path.dirname(f"{root}/{name}"), exist_ok=True)
            with open(f"{root}/{name}", "w") as file:
                file.write(name)
        with open(dockerfile, "w") as file:
            file.write("FROM scratch\nCOPY . /c/\n")
        for text in patterns():
            with open(f"{root}/.dockerignore", "w", newline="") as file:
                file.write(text)
            for name, build in (("classic", classic), ("buildkit", buildkit)):
                sent = build(root, dockerfile)
                shown = "!" if sent is None else " ".join(name for name in sent if name != ".dockerignore")
                escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
                print(f"{name}\t{escaped}\t{shown}", flush=True)


main()
