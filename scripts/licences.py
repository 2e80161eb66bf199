"""Prints the licences of the crates in the program, from the sources that cargo has downloaded.

    licences.py TARGET     the target triple whose dependencies count
"""

import json
import pathlib
import subprocess
import sys

NAMES = ("licen", "copying", "notice", "unlicense", "copyright")


def program_crates(metadata):
    """The packages that the program is linked from: normal dependencies, from the root on."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting, found = [metadata["resolve"]["root"]], set()
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        for dependency in nodes[node]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found


def main(target):
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    wanted = program_crates(metadata)
    texts, without = {}, []
    for package in metadata["packages"]:
        if package["id"] not in wanted or package["source"] is None:
            continue
        name = f"{package['name']} {package['version']} ({package['license']})"
        directory = pathlib.Path(package["manifest_path"]).parent
        files = sorted(file for file in directory.iterdir() if file.is_file() and file.name.lower().startswith(NAMES))
        if not files:
            without.append(name)
        for file in files:
            texts.setdefault(file.read_text(encoding="utf-8", errors="replace").strip(), []).append(name)
    fonts = pathlib.Path("assets/fonts/OFL.txt").read_text(encoding="utf-8").strip()
    texts.setdefault(fonts, []).append("the font of the charts (OFL-1.1)")
    print("tonnage contains the following software.\n")
    for name in without:
        print(f"{name}: its package has no licence file")
    for text, names in sorted(texts.items(), key=lambda entry: sorted(entry[1])):
        print("\n" + "=" * 80)
        print("\n".join(sorted(set(names))))
        print("-" * 80)
        print(text)


main(sys.argv[1])
