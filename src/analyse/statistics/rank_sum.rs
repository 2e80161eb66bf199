//! Two samples that are not paired: the Mann–Whitney test and the Hodges–Lehmann shift.

use super::{Alternative, Interval, PointEstimate, double_ranks, normal_cdf, normal_quantile, sorted};

/// Beyond so many values in both samples together the normal approximation takes over.
const EXACT: usize = 80;

/// Beyond so many pairs of values no shift is estimated: rounds do not come in thousands.
const MOST_PAIRS: usize = 1 << 20;

/// One-sided p-value of the Mann–Whitney (Wilcoxon rank-sum) test; [`Alternative::Greater`] asks whether `second` lies
/// above `first`.
///
/// Ties get mid-ranks and the distribution is the exact one conditional on those ranks: every choice of which values
/// belong to `second` is equally likely (Lehmann, *Nonparametrics*, 1.2; Hollander & Wolfe 4.1). Above 80 values in
/// all: normal approximation with tie and continuity correction. `None` where a sample is empty or not finite.
pub fn rank_sum_p(first: &[f64], second: &[f64], side: Alternative) -> Option<f64> {
    if first.is_empty() || second.is_empty() || first.iter().chain(second).any(|value| !value.is_finite()) {
        return None;
    }
    let sign = if side == Alternative::Greater { 1.0 } else { -1.0 };
    let all: Vec<f64> = first.iter().chain(second).map(|value| value * sign).collect();
    let (ranks, ties) = double_ranks(&all);
    let observed: usize = ranks[first.len()..].iter().sum();
    let (m, n) = (first.len(), second.len());
    if m + n <= EXACT {
        let mass = choice_distribution(&ranks, n);
        return Some(mass.get(observed..).map_or(0.0, |tail| tail.iter().sum::<f64>()).min(1.0));
    }
    let (m, n) = (m as f64, n as f64);
    let total = m + n;
    let correction: f64 = ties.iter().map(|&t| (t as f64).powi(3) - t as f64).sum();
    let variance = m * n / 12.0 * (total + 1.0 - correction / (total * (total - 1.0)));
    let distance = observed as f64 / 2.0 - n * (total + 1.0) / 2.0;
    Some(if variance > 0.0 { normal_cdf(-(distance - 0.5) / variance.sqrt()) } else { 1.0 })
}

/// By how much `second` lies above `first`: the median of all differences (Hodges & Lehmann 1963), with the exact
/// interval `[D(k), D(mn+1−k)]` of confidence 1 − 2·P(U ≤ k − 1) (Moses; Hollander & Wolfe 4.3). Of logarithms it
/// is the logarithm of a ratio. The interval is `None` where `level` cannot be reached.
pub fn hodges_lehmann_shift(first: &[f64], second: &[f64], level: f64) -> Option<PointEstimate> {
    let (first, second) = (sorted(first)?, sorted(second)?);
    let (m, n) = (first.len(), second.len());
    if m.saturating_mul(n) > MOST_PAIRS {
        return None;
    }
    let mut differences: Vec<f64> = second.iter().flat_map(|y| first.iter().map(move |x| y - x)).collect();
    differences.sort_by(f64::total_cmp);
    let count = differences.len();
    let value = f64::midpoint(differences[(count - 1) / 2], differences[count / 2]);
    let interval = rank_sum_cut(m, n, level).map(|(k, reached)| Interval {
        low: differences[k - 1],
        high: differences[count - k],
        level: reached,
    });
    Some(PointEstimate { value, interval })
}

/// The largest k with 1 − 2·P(U ≤ k − 1) ≥ `level`, and that confidence.
fn rank_sum_cut(m: usize, n: usize, level: f64) -> Option<(usize, f64)> {
    let pairs = m * n;
    if m + n > EXACT {
        let (m, n) = (m as f64, n as f64);
        let deviation = (m * n * (m + n + 1.0) / 12.0).sqrt();
        let k = (m * n / 2.0 + deviation * normal_quantile((1.0 - level) / 2.0)).floor();
        return (k >= 1.0).then_some((k as usize, level));
    }
    let ranks: Vec<usize> = (1..=m + n).collect();
    // The smallest rank sum of n values is n(n+1)/2, where U is 0.
    let smallest = n * (n + 1) / 2;
    let mut below = 0.0;
    let mut best = None;
    for (u, mass) in choice_distribution(&ranks, n).into_iter().skip(smallest).enumerate() {
        below += mass;
        let reached = 1.0 - 2.0 * below;
        if reached < level || u + 1 > pairs / 2 {
            break;
        }
        best = Some((u + 1, reached));
    }
    best
}

/// Probabilities of each sum of `chosen` ranks drawn without replacement.
fn choice_distribution(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let mut largest = ranks.to_vec();
    largest.sort_unstable();
    let top: usize = largest.iter().rev().take(chosen).sum();
    // ways[c][s]: probability-weighted count of choosing c ranks with sum s. Counts up to C(80, 40) ≈ 1e23 fit a float.
    let mut ways = vec![vec![0.0; top + 1]; chosen + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for count in (1..=chosen).rev() {
            let (lower, upper) = ways.split_at_mut(count);
            for sum in rank..=top {
                upper[0][sum] += lower[count - 1][sum - rank];
            }
        }
    }
    let last = ways.pop().unwrap_or_default();
    let total: f64 = last.iter().sum();
    last.into_iter().map(|way| way / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_values_are_those_of_the_published_table() {
        // Largest U with two-sided P ≤ 0.05 (Mann & Whitney's table as in Conover A7 / Siegel K): k = U + 1.
        for (m, n, critical) in [(4, 4, 0), (5, 5, 2), (5, 8, 6), (7, 7, 8), (10, 10, 23), (8, 20, 41), (20, 20, 127)] {
            assert_eq!(rank_sum_cut(m, n, 0.95).map(|(k, _)| k - 1), Some(critical), "{m}, {n}");
        }
        assert_eq!(rank_sum_cut(3, 3, 0.95), None);
    }

    #[test]
    fn separated_samples_have_the_smallest_possible_p() {
        let (low, high) = ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
        assert!((rank_sum_p(&low, &high, Alternative::Greater).unwrap() - 1.0 / 20.0).abs() < 1e-12);
        assert!((rank_sum_p(&low, &high, Alternative::Less).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(rank_sum_p(&[], &high, Alternative::Less), None);
        assert_eq!(rank_sum_p(&[1.0; 4], &[1.0; 4], Alternative::Greater), Some(1.0));
    }

    #[test]
    fn the_estimate_is_that_of_a_published_example() {
        // Hollander & Wolfe, example 4.1 (water transfer, 10 and 5 values): Δ̂ = −0.305 and P(W ≤ 30) = 0.127.
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let early = [1.15, 0.88, 0.90, 0.74, 1.21];
        let found = hodges_lehmann_shift(&term, &early, 0.95).unwrap();
        assert!((found.value + 0.305).abs() < 1e-9, "{found:?}");
        let interval = found.interval.unwrap();
        assert!((interval.low + 0.76).abs() < 1e-9 && (interval.high - 0.15).abs() < 1e-9, "{interval:?}");
        let p = rank_sum_p(&term, &early, Alternative::Less).unwrap();
        assert!((p - 0.1272).abs() < 1e-4, "{p}");
    }

    #[test]
    fn the_approximation_continues_the_exact_values() {
        let first: Vec<f64> = (0..40).map(f64::from).collect();
        let second: Vec<f64> = (0..40).map(|i| f64::from(i) + 7.5).collect();
        let exact = rank_sum_p(&first, &second, Alternative::Greater).unwrap();
        let mut more = first.clone();
        more.push(20.25);
        let approximate = rank_sum_p(&more, &second, Alternative::Greater).unwrap();
        assert!((exact.ln() - approximate.ln()).abs() < 0.15, "{exact} {approximate}");
    }
}
