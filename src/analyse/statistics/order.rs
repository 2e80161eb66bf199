//! Order statistics: the median, its interval, spread and outliers.

use super::{Interval, sorted};

/// The median: the middle value, or the mean of the two middle ones.
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values)?;
    let middle = sorted.len() / 2;
    Some(if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) })
}

/// The narrowest interval `[x(k), x(n+1−k)]` of order statistics that holds the population's median with at least
/// the confidence `level`, whatever the distribution; `None` where even the whole range does not reach it (for 95 %:
/// fewer than 6 values).
///
/// The confidence of such an interval is 1 − 2·P(B ≤ k − 1) with B binomial(n, ½) (Conover, *Practical
/// Nonparametric Statistics*, 3rd ed., 3.2; Hollander & Wolfe, 3.6).
pub fn median_interval(values: &[f64], level: f64) -> Option<Interval> {
    let sorted = sorted(values)?;
    let n = sorted.len();
    // P(B = 0) = 2^−n underflows beyond a thousand values: work with logarithms.
    let mut log_mass = -(n as f64) * std::f64::consts::LN_2;
    let mut below = log_mass.exp();
    let mut best = None;
    for k in 1..=n / 2 {
        let reached = 1.0 - 2.0 * below;
        if reached < level {
            break;
        }
        best = Some(Interval { low: sorted[k - 1], high: sorted[n - k], level: reached });
        log_mass += ((n - k + 1) as f64 / k as f64).ln();
        below += log_mass.exp();
    }
    best
}

/// A robust standard deviation: 1.4826 × the median of absolute deviations from the median (Hampel 1974), which
/// estimates σ where the values are normal. Zero where more than half of the values are equal.
pub fn spread(values: &[f64]) -> Option<f64> {
    let middle = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    median(&deviations).map(|mad| mad * 1.482_602_218_505_602)
}

/// Indices of the values whose modified z-score is above 3.5 (Iglewicz & Hoaglin, *How to Detect and Handle
/// Outliers*, 1993): 0.6745·|x − median| / MAD, and where the MAD is zero |x − median| / (1.253314 × mean absolute
/// deviation). They are to be flagged, never dropped. None with fewer than 5 values.
pub(crate) fn outliers(values: &[f64]) -> Vec<usize> {
    let (Some(middle), Some(mut scale)) = (median(values), spread(values)) else { return Vec::new() };
    if values.len() < 5 {
        return Vec::new();
    }
    if scale == 0.0 {
        let deviations: f64 = values.iter().map(|value| (value - middle).abs()).sum();
        scale = 1.253_314 * deviations / values.len() as f64;
    }
    let limit = 3.5 * scale;
    values.iter().enumerate().filter(|(_, value)| (*value - middle).abs() > limit).map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(n: u32) -> Vec<f64> {
        (1..=n).map(f64::from).collect()
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_values() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[1.0, f64::NAN]), None);
        assert_eq!(median(&[1.0, f64::INFINITY]), None);
    }

    #[test]
    fn intervals_of_the_median_have_the_published_ranks_and_levels() {
        // Ranks and exact levels for 95 %: Conover, table A3; e.g. n = 10 takes the 2nd and 9th (97.85 %).
        for (n, low, high, level) in [
            (6, 1.0, 6.0, 0.968_75),
            (7, 1.0, 7.0, 0.984_375),
            (8, 1.0, 8.0, 0.992_187_5),
            (9, 2.0, 8.0, 0.960_937_5),
            (10, 2.0, 9.0, 0.978_515_625),
            (15, 4.0, 12.0, 0.964_843_75),
            (20, 6.0, 15.0, 0.958_610_534_667_968_8),
            (25, 8.0, 18.0, 0.956_714_749_336_242_7),
        ] {
            let interval = median_interval(&first(n), 0.95).unwrap();
            assert_eq!((interval.low, interval.high), (low, high), "n = {n}");
            assert!((interval.level - level).abs() < 1e-12, "n = {n}: {}", interval.level);
        }
    }

    #[test]
    fn five_values_give_no_95_percent_interval() {
        assert_eq!(median_interval(&first(5), 0.95), None);
        let widest = median_interval(&first(5), 0.93).unwrap();
        assert_eq!((widest.low, widest.high, widest.level), (1.0, 5.0, 0.9375));
        assert_eq!(median_interval(&[], 0.95), None);
        assert_eq!(median_interval(&[1.0], 0.0), None);
    }

    #[test]
    fn a_large_sample_neither_underflows_nor_overflows() {
        let interval = median_interval(&first(5000), 0.95).unwrap();
        assert!(interval.level >= 0.95 && interval.level < 0.96);
        // n/2 ∓ 0.98·√n to within a rank or two.
        assert!((interval.low - 2431.0).abs() < 3.0, "{interval:?}");
    }

    #[test]
    fn spread_of_a_normal_sample_is_its_standard_deviation() {
        let quantiles: Vec<f64> = (1..1000).map(|i| super::super::normal_quantile(f64::from(i) / 1000.0)).collect();
        assert!((spread(&quantiles).unwrap() - 1.0).abs() < 0.01);
    }

    #[test]
    fn outliers_are_flagged_by_index() {
        for (values, flagged) in [
            (vec![10.0, 10.1, 9.9, 10.05, 9.95, 14.0, 10.0], vec![5]),
            (vec![10.0, 10.1, 9.9, 10.05, 9.95, 10.2], vec![]),
            (vec![5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 9.0], vec![6]),
            (vec![1.0, 1.0, 100.0], vec![]),
            (vec![5.0; 8], vec![]),
        ] {
            assert_eq!(outliers(&values), flagged, "{values:?}");
        }
    }
}
