//! Wilcoxon's signed ranks: the test, and the Hodges–Lehmann estimate with its interval.

use super::{Alternative, Interval, PointEstimate, double_ranks, normal_cdf, sorted};

/// Beyond so many values the normal approximation takes the place of the exact distribution: there the two differ
/// by less than 1e-4.
const EXACT: usize = 200;

/// One-sided p-value of Wilcoxon's signed-rank test that the values are symmetric around zero.
///
/// Zeros are dropped (Wilcoxon 1945), ties get mid-ranks, and the distribution is the exact one conditional on
/// those ranks: every assignment of signs is equally likely (Lehmann, *Nonparametrics*, 1.2 and appendix; Hollander
/// & Wolfe 3.1). Above 200 values: normal approximation with the tie and the continuity correction. No value, or
/// only zeros: `Some(1.0)`, for nothing speaks against symmetry; `None` where a value is not finite.
pub fn signed_rank_p(values: &[f64], side: Alternative) -> Option<f64> {
    if values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let kept: Vec<f64> = values.iter().copied().filter(|value| *value != 0.0).collect();
    if kept.is_empty() {
        return Some(1.0);
    }
    let sizes: Vec<f64> = kept.iter().map(|value| value.abs()).collect();
    let (ranks, ties) = double_ranks(&sizes);
    let toward = |value: f64| if side == Alternative::Greater { value > 0.0 } else { value < 0.0 };
    let observed: usize = kept.iter().zip(&ranks).filter(|(value, _)| toward(**value)).map(|(_, rank)| rank).sum();
    let n = kept.len() as f64;
    Some(if kept.len() <= EXACT {
        let mass = sign_distribution(&ranks);
        mass[observed..].iter().sum::<f64>().min(1.0)
    } else {
        let correction: f64 = ties.iter().map(|&t| (t as f64).powi(3) - t as f64).sum();
        let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - correction / 48.0;
        let distance = observed as f64 / 2.0 - n * (n + 1.0) / 4.0;
        normal_cdf(-(distance - 0.5) / variance.sqrt())
    })
}

/// The Hodges–Lehmann estimate of the centre of symmetry: the median of all Walsh averages (xᵢ + xⱼ)/2, i ≤ j
/// (Hodges & Lehmann 1963), with the exact interval that inverts the signed-rank test: `[W(k), W(M+1−k)]` has the
/// confidence 1 − 2·P(T⁺ ≤ k − 1) (Tukey 1949; Hollander & Wolfe 3.3). The interval is `None` where `level` cannot
/// be reached (for 95 %: fewer than 6 values). Of paired log-ratios it is the logarithm of the ratio.
///
/// The exact level assumes that no Walsh average is tied; ties make it conservative.
pub fn hodges_lehmann(values: &[f64], level: f64) -> Option<PointEstimate> {
    let sorted = sorted(values)?;
    let n = sorted.len();
    let count = n * (n + 1) / 2;
    let value = f64::midpoint(walsh(&sorted, count.div_ceil(2)), walsh(&sorted, count / 2 + 1));
    let interval = signed_rank_cut(n, level).map(|(k, reached)| Interval {
        low: walsh(&sorted, k),
        high: walsh(&sorted, count + 1 - k),
        level: reached,
    });
    Some(PointEstimate { value, interval })
}

/// The largest k with 1 − 2·P(T⁺ ≤ k − 1) ≥ `level` for n values, and that confidence.
fn signed_rank_cut(n: usize, level: f64) -> Option<(usize, f64)> {
    let count = n * (n + 1) / 2;
    let mut best = None;
    let mut accept = |k: usize, below: f64| {
        let reached = 1.0 - 2.0 * below;
        let enough = reached >= level && k <= count / 2;
        if enough {
            best = Some((k, reached));
        }
        enough
    };
    if n <= EXACT {
        let ranks: Vec<usize> = (1..=n).collect();
        let mut below = 0.0;
        for (sum, mass) in sign_distribution(&ranks).into_iter().enumerate() {
            below += mass;
            if !accept(sum + 1, below) {
                break;
            }
        }
    } else {
        let size = n as f64;
        let mean = size * (size + 1.0) / 4.0;
        let deviation = (size * (size + 1.0) * (2.0 * size + 1.0) / 24.0).sqrt();
        let k = mean + deviation * super::normal_quantile((1.0 - level) / 2.0);
        let k = k.floor().max(1.0) as usize;
        accept(k, normal_cdf((k as f64 - 0.5 - mean) / deviation).min((1.0 - level) / 2.0));
    }
    best
}

/// The largest p-value of the one-sided test on n values without ties that is at most `alpha`; `alpha` itself where no
/// exact distribution is made.
pub(super) fn reached_level(n: usize, alpha: f64) -> f64 {
    if n > EXACT {
        return alpha;
    }
    let ranks: Vec<usize> = (1..=n).collect();
    let mut tail = 0.0;
    for mass in sign_distribution(&ranks) {
        if tail + mass > alpha {
            break;
        }
        tail += mass;
    }
    tail
}

/// Probabilities of each sum of a random subset of `ranks`, each rank taken with probability ½.
fn sign_distribution(ranks: &[usize]) -> Vec<f64> {
    let total: usize = ranks.iter().sum();
    let mut mass = vec![0.0; total + 1];
    mass[0] = 1.0;
    let mut reach = 0;
    for &rank in ranks {
        reach += rank;
        for sum in (0..=reach).rev() {
            let taken = if sum >= rank { mass[sum - rank] } else { 0.0 };
            mass[sum] = f64::midpoint(mass[sum], taken);
        }
    }
    mass
}

/// The k-th smallest Walsh average (k from 1) of sorted values: the smallest float `t` with at least k averages at
/// or below it, found by halving over the ordered bit patterns of floats, each count taking one pass. Exact, and
/// without the n²/2 averages in memory.
fn walsh(sorted: &[f64], k: usize) -> f64 {
    let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else { return f64::NAN };
    let (mut low, mut high) = (ordered_bits(first), ordered_bits(last));
    while low < high {
        let middle = low + (high - low) / 2;
        if walsh_at_most(sorted, from_ordered_bits(middle)) >= k {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    from_ordered_bits(low)
}

/// How many Walsh averages of sorted values are at most `limit`.
fn walsh_at_most(sorted: &[f64], limit: f64) -> usize {
    let mut count = 0;
    let mut end = sorted.len();
    for (start, &value) in sorted.iter().enumerate() {
        while end > start && f64::midpoint(value, sorted[end - 1]) > limit {
            end -= 1;
        }
        if end <= start {
            break;
        }
        count += end - start;
    }
    count
}

/// Maps floats to integers in the same order (IEEE 754 `totalOrder` for numbers).
fn ordered_bits(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

fn from_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(values: &[f64]) -> PointEstimate {
        hodges_lehmann(values, 0.95).unwrap()
    }

    #[test]
    fn critical_values_are_those_of_wilcoxons_table() {
        // Largest T with two-sided P ≤ 0.05 (Wilcoxon & Wilcox 1964; Conover, table A12): k = T + 1.
        for (n, critical) in [(6, 0), (7, 2), (8, 3), (9, 5), (10, 8), (12, 13), (15, 25), (20, 52), (25, 89)] {
            assert_eq!(signed_rank_cut(n, 0.95).map(|(k, _)| k - 1), Some(critical), "n = {n}");
        }
        assert_eq!(signed_rank_cut(5, 0.95), None);
        assert_eq!(signed_rank_cut(5, 0.93), Some((1, 0.9375)));
        assert_eq!(signed_rank_cut(0, 0.95), None);
    }

    #[test]
    fn tail_probabilities_are_those_of_the_published_table() {
        // Hollander & Wolfe, table A.4: P(T⁺ ≥ x).
        for (n, x, p) in [(5, 15, 0.031_25), (7, 26, 0.023_437_5), (8, 30, 0.054_687_5), (10, 45, 0.041_992_187_5)] {
            let mass = sign_distribution(&(1..=n).collect::<Vec<_>>());
            let tail: f64 = mass[x..].iter().sum();
            assert!((tail - p).abs() < 1e-12, "n = {n}, x = {x}: {tail}");
        }
    }

    #[test]
    fn the_test_agrees_with_counting_all_signs() {
        for values in [
            vec![0.3, -0.1, 0.5, 0.2, 0.25],
            vec![1.0, 1.0, -1.0, 2.0, 2.0, -3.0],
            vec![0.0, 0.5, -0.25, 0.75, 0.0, 1.0],
        ] {
            for side in [Alternative::Greater, Alternative::Less] {
                let exact = by_enumeration(&values, side);
                let p = signed_rank_p(&values, side).unwrap();
                assert!((p - exact).abs() < 1e-12, "{values:?} {side:?}: {p} {exact}");
            }
        }
    }

    /// All 2ⁿ signs, mid-ranks by counting: shares nothing with the code under test.
    fn by_enumeration(values: &[f64], side: Alternative) -> f64 {
        let kept: Vec<f64> = values.iter().copied().filter(|v| *v != 0.0).collect();
        let rank = |v: f64| {
            let below = kept.iter().filter(|o| o.abs() < v.abs()).count() as f64;
            let equal = kept.iter().filter(|o| o.abs().total_cmp(&v.abs()).is_eq()).count() as f64;
            below + f64::midpoint(equal, 1.0)
        };
        let sign = if side == Alternative::Greater { 1.0 } else { -1.0 };
        let observed: f64 = kept.iter().filter(|v| **v * sign > 0.0).map(|v| rank(*v)).sum();
        let all = 1_u32 << kept.len();
        let hits = (0..all)
            .filter(|mask| {
                let sum: f64 = kept.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, v)| rank(*v)).sum();
                sum >= observed - 1e-9
            })
            .count();
        hits as f64 / f64::from(all)
    }

    #[test]
    fn seven_equal_signs_are_the_smallest_p_of_seven_pairs() {
        let values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
        assert_eq!(signed_rank_p(&values, Alternative::Greater), Some(1.0 / 128.0));
        assert_eq!(signed_rank_p(&values, Alternative::Less), Some(1.0));
        assert_eq!(signed_rank_p(&[0.0; 4], Alternative::Greater), Some(1.0));
        assert_eq!(signed_rank_p(&[f64::NAN], Alternative::Greater), None);
    }

    #[test]
    fn the_estimate_and_interval_are_those_of_a_published_example() {
        // Hollander & Wolfe, example 3.1 (Hamilton depression scale, 9 patients): θ̂ = −0.46, and the 96 % interval
        // (−0.786, −0.010).
        let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.10 + 0.04, 1.29];
        let change: Vec<f64> = before.iter().zip(after).map(|(x, y)| y - x).collect();
        let found = estimate(&change);
        assert!((found.value + 0.46).abs() < 1e-9, "{found:?}");
        let interval = found.interval.unwrap();
        assert!((interval.low + 0.786).abs() < 1e-9 && (interval.high + 0.010).abs() < 1e-9, "{interval:?}");
        assert!((interval.level - 0.961).abs() < 5e-4);
        let p = signed_rank_p(&change, Alternative::Less).unwrap();
        assert!((p - 0.0195).abs() < 5e-5, "{p}");
    }

    #[test]
    fn the_search_finds_the_same_averages_as_sorting_them() {
        let values = [-3.5, -1.0, -1.0, 0.0, 0.125, 2.0, 7.75, 1e-300, -0.0];
        let mut sorted_values = values.to_vec();
        sorted_values.sort_by(f64::total_cmp);
        let mut all: Vec<f64> = (0..9)
            .flat_map(|i| (i..9).map(move |j| (i, j)))
            .map(|(i, j)| f64::midpoint(sorted_values[i], sorted_values[j]))
            .collect();
        all.sort_by(f64::total_cmp);
        for (index, average) in all.iter().enumerate() {
            assert_eq!(Some(walsh(&sorted_values, index + 1) + 0.0), Some(*average + 0.0), "{index}");
        }
    }

    #[test]
    fn the_approximation_continues_the_exact_values() {
        let values: Vec<f64> = (1..=201).map(|i| f64::from(if i % 5 < 2 { -i } else { i })).collect();
        let exact = signed_rank_p(&values[1..], Alternative::Greater).unwrap();
        let approximate = signed_rank_p(&values, Alternative::Greater).unwrap();
        assert!((exact.ln() - approximate.ln()).abs() < 0.2, "{exact} {approximate}");
        let (k_exact, _) = signed_rank_cut(200, 0.95).unwrap();
        let (k_more, level) = signed_rank_cut(201, 0.95).unwrap();
        assert!(k_more > k_exact && k_more - k_exact < 120 && level >= 0.95, "{k_exact} {k_more}");
    }
}
