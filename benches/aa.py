#!/usr/bin/env python3
"""Counts, over the runs that aa.sh made, differences that are none and known differences that were found.

Usage: aa.py SLEEP RECORDS REPORTS RUNS, where RECORDS/N/run.json is the record of run N and REPORTS/N.json its computed
figures (`tonnage run --format json`).
"""

import json
import math
import statistics
import sys


def most(runs, chance):
    """The fewest events, each of that chance a run, that at most 1 of 100 experiments exceeds."""
    reached = 0.0
    for events in range(runs + 1):
        reached += math.comb(runs, events) * chance**events * (1 - chance) ** (runs - events)
        if reached >= 0.99:
            return events
    return runs


def cold(record, variant):
    """Wall time of the valid cold build of each round that counts, in seconds."""
    return {
        sample["round"]: sample["wall_ns"] / 1e9
        for sample in record["samples"]
        if sample["variant"] == variant and sample["valid"] and not sample["discarded"] and not sample["twin"]
    }


def main():
    sleep, records, reports, runs = float(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    differs = noisy = missed = 0
    widths, ratios = [], []
    print("run   same ÷ a                 slower ÷ a               true ratio  A/A")
    for run in range(1, runs + 1):
        with open(f"{records}/{run}/run.json", encoding="utf-8") as file:
            record = json.load(file)
        with open(f"{reports}/{run}.json", encoding="utf-8") as file:
            report = json.load(file)
        found = {timing["variant"]: timing["ratio_to_first"] for timing in report["timings"]}
        same, slower = found["same"], found["slower"]
        first = cold(record, "a")
        true = statistics.median((wall + sleep) / wall for wall in first.values())
        inside = slower["low"] <= true <= slower["high"]
        differs += same["differs"]
        missed += not inside
        noisy += report["noise"]["verdict"] == "noisy"
        widths.append(same["high"] / same["low"] - 1)
        ratios.append(slower["ratio"] / true)
        print(
            f"{run:3}   {same['ratio']:.3f} ({same['low']:.3f}–{same['high']:.3f}){'  *' if same['differs'] else '   '}"
            f"   {slower['ratio']:.3f} ({slower['low']:.3f}–{slower['high']:.3f}){'   ' if inside else '  *'}"
            f"   {true:.3f}       {report['noise']['verdict']}"
        )
    allowed = most(runs, 0.05)
    print(f"{differs} of {runs} runs call equal variants different; up to {allowed} are within the rule's level (5 %)")
    print(f"{noisy} of {runs} A/A checks call the run noisy; up to {allowed} are within the level")
    print(f"{runs - missed} of {runs} intervals hold the known ratio; at least {runs - allowed} are within the level")
    print(f"interval of equal variants: median width {statistics.median(widths) * 100:.1f} %")
    print(f"found ratio ÷ known ratio: median {statistics.median(ratios):.4f}")
    return 1 if max(differs, noisy, missed) > allowed else 0


if __name__ == "__main__":
    sys.exit(main())
