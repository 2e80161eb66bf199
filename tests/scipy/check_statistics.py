#!/usr/bin/env python3
"""Compares the statistics of tonnage with those of numpy and scipy on random samples.

Usage: check_statistics.py [COMMAND...]

COMMAND prints our statistics (default: `cargo run --quiet --example statistics_json`). Needs numpy and scipy of
PyPI; `run.sh` beside this file keeps them in the cache. Ends with 1 where anything disagrees.
"""

import json
import subprocess
import sys

import numpy
from scipy import stats

SAMPLES = 1000
LEVEL = 0.95
EPSILON = 1e-7

checked = {}
failures = []


def agree(what, index, ours, theirs, tolerance=1e-9):
    checked[what] = checked.get(what, 0) + 1
    if ours is None or theirs is None:
        good = ours is None and theirs is None
    else:
        good = bool(numpy.allclose(ours, theirs, rtol=tolerance, atol=1e-12))
    if not good:
        failures.append(f"sample {index}: {what}: {ours} (tonnage), {theirs} (scipy)")


def draw(random, index):
    """Samples of all the shapes that matter: skewed, heavy-tailed, shifted, with ties, with zeros, large."""
    if index % 50 == 49:
        first, second = int(random.integers(30, 50)), int(random.integers(10, 25))
    else:
        first, second = int(random.integers(1, 20)), int(random.integers(1, 20))
    tied = index % 4 == 3
    if tied:
        # Few enough for every assignment to be counted.
        first, second = min(first, 8), min(second, 5)
        return random.integers(-4, 6, first) / 2.0, random.integers(-4, 6, second) / 2.0, tied
    shape = index % 3
    if shape == 0:
        values = random.normal(0.3, 1.0, first)
    elif shape == 1:
        values = random.standard_t(2, first)
    else:
        values = numpy.log(random.lognormal(0.1, 0.5, first))
    return values, random.exponential(1.0, second) - 0.5, tied


def median_interval(values):
    """Order statistics with the exact binomial level, or None."""
    n, best = len(values), None
    for k in range(1, n // 2 + 1):
        level = 1 - 2 * stats.binom.cdf(k - 1, n, 0.5)
        if level >= LEVEL:
            best = (numpy.sort(values)[k - 1], numpy.sort(values)[n - k], level)
    return best


def signed_rank_inverts(index, values, interval):
    """Just outside the interval the two-sided test has the p-value 1 − level, just inside one above 5 %."""
    wanted = 1 - interval["level"]
    for end, outward in ((interval["low"], -EPSILON), (interval["high"], EPSILON)):
        outside = stats.wilcoxon(values - (end + outward), method="exact").pvalue
        inside = stats.wilcoxon(values - (end - outward), method="exact").pvalue
        agree("paired interval inverts the test", index, wanted, outside)
        agree("paired interval is the narrowest", index, inside > 1 - LEVEL, True)


def rank_sum_inverts(index, first, second, interval):
    wanted = 1 - interval["level"]
    for end, outward in ((interval["low"], -EPSILON), (interval["high"], EPSILON)):
        outside = stats.mannwhitneyu(second - (end + outward), first, method="exact").pvalue
        inside = stats.mannwhitneyu(second - (end - outward), first, method="exact").pvalue
        agree("shift interval inverts the test", index, wanted, outside)
        agree("shift interval is the narrowest", index, inside > 1 - LEVEL, True)


def kendall(values):
    n = len(values)
    if len(set(values)) == n:
        return stats.kendalltau(numpy.arange(n), values, method="exact").pvalue
    s = sum(numpy.sign(values[j] - values[i]) for i in range(n) for j in range(i + 1, n))
    counts = numpy.unique(values, return_counts=True)[1]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in counts)) / 18
    return 1.0 if variance == 0 else min(1.0, 2 * stats.norm.sf(max(abs(s) - 1, 0) / numpy.sqrt(variance)))


def holm(p):
    order = numpy.argsort(p)
    stepped = numpy.maximum.accumulate((len(p) - numpy.arange(len(p))) * numpy.asarray(p)[order])
    adjusted = numpy.empty(len(p))
    adjusted[order] = numpy.minimum(stepped, 1)
    return adjusted


def check(index, first, second, tied, ours):
    n = len(first)
    agree("median", index, ours["median"], numpy.median(first))
    agree("spread", index, ours["spread"], stats.median_abs_deviation(first, scale="normal"))
    found, wanted = ours["median_interval"], median_interval(first)
    agree("median interval", index, found and [found["low"], found["high"], found["level"]], wanted)

    walsh = [(first[i] + first[j]) / 2 for i in range(n) for j in range(i, n)]
    agree("Hodges–Lehmann", index, ours["hodges_lehmann"]["value"], numpy.median(walsh))
    agree("Hodges–Lehmann shift", index, ours["shift"]["value"], numpy.median(numpy.subtract.outer(second, first)))

    kept = first[first != 0]
    for side in ("greater", "less"):
        if len(kept) == 0:
            wanted = 1.0
        elif tied:
            exhaustive = stats.PermutationMethod(n_resamples=2 ** (len(kept) + 1))
            wanted = stats.wilcoxon(kept, alternative=side, method=exhaustive).pvalue if len(kept) > 1 else None
            if wanted is None:
                wanted = 0.5 if (kept[0] > 0) == (side == "greater") else 1.0
        else:
            wanted = stats.wilcoxon(first, alternative=side, method="exact").pvalue
        agree("signed-rank p, ties" if tied else "signed-rank p", index, ours[f"signed_rank_{side}"], wanted)
        if tied:
            exhaustive = stats.PermutationMethod(n_resamples=10**6)
            wanted = None
            if min(len(first), len(second)) > 1:
                wanted = stats.mannwhitneyu(second, first, alternative=side, method=exhaustive).pvalue
        else:
            wanted = stats.mannwhitneyu(second, first, alternative=side, method="exact").pvalue
        if wanted is not None:
            agree("rank-sum p, ties" if tied else "rank-sum p", index, ours[f"rank_sum_{side}"], wanted)

    if not tied:
        if ours["hodges_lehmann"]["interval"]:
            signed_rank_inverts(index, first, ours["hodges_lehmann"]["interval"])
        else:
            agree("no paired interval", index, n < 6, True)
        if ours["shift"]["interval"]:
            rank_sum_inverts(index, first, second, ours["shift"]["interval"])
        else:
            smallest = stats.mannwhitneyu(numpy.arange(n), n + numpy.arange(len(second)), method="exact").pvalue
            agree("no shift interval", index, smallest > 1 - LEVEL, True)

    agree("Theil–Sen", index, ours["theil_sen"], stats.theilslopes(first).slope if n > 1 else None)
    if n >= 4:
        agree("trend p, ties" if tied else "trend p", index, ours["trend_p"], kendall(first))
        centred = first - first.mean()
        total = (centred**2).sum()
        wanted = (centred[:-1] * centred[1:]).sum() / total if total > 0 else None
        agree("autocorrelation", index, ours["autocorrelation"], wanted)
    agree("normal distribution", index, ours["normal_cdf"], stats.norm.cdf(first))
    # A probability that rounds to 0 or 1 has an infinite quantile, which JSON writes as null.
    finite = [(ours["normal_quantile"][i], p) for i, p in enumerate(ours["normal_cdf"]) if 0 < p < 1]
    agree("normal quantile", index, [q for q, _ in finite], stats.norm.ppf([p for _, p in finite]), 1e-7)
    agree("Holm", index, ours["holm"], holm(ours["normal_cdf"]))


def main():
    command = sys.argv[1:] or ["cargo", "run", "--quiet", "--example", "statistics_json"]
    random = numpy.random.default_rng(20261101)
    samples = [draw(random, index) for index in range(SAMPLES)]
    lines = [json.dumps({"first": list(first), "second": list(second)}) for first, second, _ in samples]
    run = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    answers = run.stdout.splitlines()
    if run.returncode != 0 or len(answers) != SAMPLES:
        print(f"error: {command} ended with {run.returncode} after {len(answers)} of {SAMPLES} samples\n{run.stderr}")
        return 1
    for index, ((first, second, tied), answer) in enumerate(zip(samples, answers)):
        check(index, first, second, tied, json.loads(answer))
    for what, count in sorted(checked.items()):
        print(f"{count:6} comparisons: {what}")
    for failure in failures[:20]:
        print(f"error: {failure}")
    print(f"{len(failures)} of {sum(checked.values())} comparisons on {SAMPLES} samples disagree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
