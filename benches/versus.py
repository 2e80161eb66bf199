#!/usr/bin/env python3
"""Runs two commands in turns and prints a row of a Markdown table: medians of wall time, user CPU time and peak memory
of both, their ratios, and the limits that the ratios are held against. Exits 1 when a limit is missed.

    versus.py NAME ROUNDS LIMITS OURS THEIRS

OURS and THEIRS are shell words. LIMITS is `wall=1.0,user=1.0,memory=1.0`; what is not named has no limit. The order
within a round alternates; one round more is run first and thrown away, unless ROUNDS is 1. Figures are those of GNU
time: wall and CPU in hundredths of a second, memory as the largest resident set.
"""

import os
import shlex
import statistics
import subprocess
import sys
import tempfile

METRICS = ("wall", "user", "memory")


def measure(command):
    with tempfile.NamedTemporaryFile(mode="r") as figures:
        timed = ["/usr/bin/time", "--quiet", "--format", "%e %U %M", "--output", figures.name, *shlex.split(command)]
        ended = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "CI": "true"})
        if ended.returncode != 0:
            sys.exit(f"error: `{command}` ended with {ended.returncode}: {ended.stderr.decode(errors='replace')[-500:]}")
        wall, user, kilobytes = figures.read().split()
        return {"wall": float(wall), "user": float(user), "memory": int(kilobytes) * 1024 / 1e6}


def main():
    name, rounds, limits, *commands = sys.argv[1:]
    rounds = int(rounds)
    limits = dict(part.split("=") for part in limits.split(",") if part)
    runs = ([], [])
    for number in range(-1 if rounds > 1 else 0, rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            figures = measure(commands[side])
            if number >= 0:
                runs[side].append(figures)
    missed = []
    cells = []
    for metric in METRICS:
        ours, theirs = (statistics.median(run[metric] for run in side) for side in runs)
        # Below a hundredth of a second the clock has nothing to say.
        floor = 1e-3 if metric == "memory" else 0.01
        ratio = max(ours, floor) / max(theirs, floor)
        limit = limits.get(metric)
        unit, digits = ("MB", 0) if metric == "memory" else ("s", 2)
        cell = f"{ours:.{digits}f} / {theirs:.{digits}f} {unit} = {ratio:.3f}"
        if limit is not None:
            held = ratio <= float(limit)
            cell += f" (≤ {limit}{'' if held else ' **missed**'})"
            if not held:
                missed.append(metric)
        cells.append(cell)
    print(f"| {name} | {' | '.join(cells)} | {rounds} |", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
