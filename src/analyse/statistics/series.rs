//! Values in the order they were measured: drift and dependence.

use super::{median, normal_cdf};

/// Beyond so many values only the last ones count: slopes grow with the square.
const MOST: usize = 1000;

/// Beyond so many values the normal approximation takes the place of the exact distribution of Kendall's S.
const EXACT: usize = 60;

/// Whether a series goes up or down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Theil–Sen slope: change per step of the series.
    pub slope: f64,
    /// Two-sided p-value of the Mann–Kendall test against no trend.
    pub p: f64,
}

/// The median of the slopes between all pairs of points at distinct positions (Theil 1950, Sen 1968). At most the
/// last 1,000 points count. `None` with fewer than two positions.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let points = &points[points.len().saturating_sub(MOST)..];
    if points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return None;
    }
    let mut slopes = Vec::new();
    for (index, (x, y)) in points.iter().enumerate() {
        slopes
            .extend(points[index + 1..].iter().filter(|(u, _)| u.total_cmp(x).is_ne()).map(|(u, v)| (v - y) / (u - x)));
    }
    median(&slopes)
}

/// Theil–Sen slope per step and the Mann–Kendall test for a trend (Mann 1945; Kendall, *Rank Correlation Methods*):
/// S = Σ sign(xⱼ − xᵢ), exact without ties up to 60 values, else normal with the tie and the continuity correction.
/// `None` with fewer than 4 values, where no p can be below 0.05.
pub fn drift(values: &[f64]) -> Option<Drift> {
    let values = &values[values.len().saturating_sub(MOST)..];
    let n = values.len();
    if n < 4 {
        return None;
    }
    let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(index, value)| (index as f64, *value)).collect();
    let slope = theil_sen(&points)?;
    let mut s = 0_i64;
    for (index, value) in values.iter().enumerate() {
        for later in &values[index + 1..] {
            s += i64::from(later > value) - i64::from(later < value);
        }
    }
    let (_, ties) = super::double_ranks(values);
    let exact = n <= EXACT && ties.iter().all(|&size| size == 1);
    let p = if exact { exact_p(n, s.unsigned_abs()) } else { approximate_p(n, s.unsigned_abs(), &ties) };
    Some(Drift { slope, p })
}

/// Two-sided P(|S| ≥ s) of n values without ties: S = pairs − 2·inversions, and inversions of a random order have
/// Mahonian numbers.
fn exact_p(n: usize, s: u64) -> f64 {
    let inversions = (n * (n - 1) / 2 - s as usize) / 2;
    (2.0 * inversion_distribution(n)[..=inversions].iter().sum::<f64>()).min(1.0)
}

fn approximate_p(n: usize, s: u64, ties: &[usize]) -> f64 {
    let size = n as f64;
    let correction: f64 = ties.iter().map(|&t| t as f64).map(|t| t * (t - 1.0) * (2.0 * t + 5.0)).sum();
    let variance = (size * (size - 1.0) * (2.0 * size + 5.0) - correction) / 18.0;
    let distance = (s as f64 - 1.0).max(0.0);
    if variance > 0.0 { (2.0 * normal_cdf(-distance / variance.sqrt())).min(1.0) } else { 1.0 }
}

/// Probabilities of each number of inversions in a random order of n things (Knuth, TAOCP 3, 5.1.1).
fn inversion_distribution(n: usize) -> Vec<f64> {
    let mut mass = vec![1.0];
    for size in 2..=n {
        let mut next = vec![0.0; mass.len() + size - 1];
        for (inversions, probability) in mass.iter().enumerate() {
            for more in 0..size {
                next[inversions + more] += probability / size as f64;
            }
        }
        mass = next;
    }
    mass
}

/// Lag-1 autocorrelation r₁ = Σ(xₜ − x̄)(xₜ₊₁ − x̄) / Σ(xₜ − x̄)² (Box & Jenkins, 2.1.5): beyond ±2/√n neighbours are not
/// independent and intervals are too narrow. `None` with fewer than 4 values or where all are equal.
pub fn autocorrelation(values: &[f64]) -> Option<f64> {
    if values.len() < 4 || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let total: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let neighbours: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    (total > 0.0).then(|| neighbours / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_ignores_one_wild_point() {
        let mut points: Vec<(f64, f64)> = (0..9).map(|i| (f64::from(i), 2.0 * f64::from(i) + 1.0)).collect();
        points[4].1 = 1000.0;
        assert_eq!(theil_sen(&points), Some(2.0));
        assert_eq!(theil_sen(&[(1.0, 5.0)]), None);
        assert_eq!(theil_sen(&[(1.0, 5.0), (1.0, 6.0)]), None);
    }

    #[test]
    fn kendalls_probabilities_are_those_of_the_published_table() {
        // Hollander & Wolfe, table A.30 (Kendall's K): P(K ≥ x); two-sided is twice that.
        for (order, p) in [
            (vec![1.0, 2.0, 3.0, 4.0], 2.0 / 24.0),
            (vec![1.0, 2.0, 3.0, 4.0, 5.0], 2.0 / 120.0),
            (vec![5.0, 4.0, 3.0, 2.0, 1.0], 2.0 / 120.0),
            // n = 7, K = 15: 0.015.
            (vec![1.0, 2.0, 4.0, 3.0, 6.0, 5.0, 7.0], 2.0 * 0.005_357_142_857_142_857),
        ] {
            let found = drift(&order).unwrap();
            assert!((found.p - p).abs() < 1e-9, "{order:?}: {}", found.p);
        }
        assert_eq!(drift(&[1.0, 2.0, 3.0]), None);
        assert_eq!(drift(&[2.0; 8]), Some(Drift { slope: 0.0, p: 1.0 }));
    }

    #[test]
    fn the_approximation_continues_the_exact_values() {
        for s in [0, 40, 200, 310, 400] {
            let (exact, approximate) = (exact_p(EXACT, s), approximate_p(EXACT, s, &[]));
            assert!((exact - approximate).abs() < 0.05 * exact, "S = {s}: {exact} {approximate}");
        }
    }

    #[test]
    fn neighbours_that_follow_each_other_are_seen() {
        assert!(autocorrelation(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).unwrap() > 0.5);
        assert!(autocorrelation(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]).unwrap() < -0.7);
        assert_eq!(autocorrelation(&[3.0; 9]), None);
        // (1,2,3,4): mean 2.5, Σ = 5, neighbours 0.75 − 0.25 + 0.75 = 1.25.
        assert_eq!(autocorrelation(&[1.0, 2.0, 3.0, 4.0]), Some(0.25));
    }
}
