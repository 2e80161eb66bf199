//! Statistics of small samples: order statistics, ranks, and nothing that assumes a bell curve.
//!
//! In: slices of floats. Out: estimates with intervals and probabilities, or `None` where the sample allows none
//! (too small, or a value that is not finite). Everything is exact for the sample sizes of a run; normal
//! approximations begin where the exact distribution would be slow, and the function says where. The formulas'
//! sources stand beside them; `tests/scipy/check_statistics.py` compares with scipy.

mod normal;
mod order;
mod power;
#[cfg(test)]
mod properties;
mod rank_sum;
mod series;
mod signed_rank;

pub use normal::{normal_cdf, normal_quantile};
pub(crate) use order::outliers;
pub use order::{median, median_interval, spread};
pub use power::holm;
pub(crate) use power::{fewest_pairs, minimum_detectable_effect};
pub use rank_sum::{hodges_lehmann_shift, rank_sum_p};
pub(crate) use series::Drift;
pub use series::{autocorrelation, drift, theil_sen};
pub use signed_rank::{hodges_lehmann, signed_rank_p};

/// An interval and the confidence that it really has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence that was reached: at least what was asked, since ranks go in steps.
    pub level: f64,
}

impl Interval {
    /// Whether a value lies in the interval, its ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A point estimate and its interval, where the sample is large enough for one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointEstimate {
    /// The estimate.
    pub value: f64,
    /// Its interval.
    pub interval: Option<Interval>,
}

/// Which way a one-sided test looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternative {
    /// Small probabilities speak for values above zero, or a second sample above the first.
    Greater,
    /// Small probabilities speak for values below zero, or a second sample below the first.
    Less,
}

/// A sorted copy, or `None` where there is nothing or a value is not finite.
fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted)
}

/// Twice the mid-ranks of the values (so that they are integers), in the order of the values, and for each group
/// of ties its size.
fn double_ranks(values: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let mut ties = Vec::new();
    let mut start = 0;
    while start < order.len() {
        // `+ 0.0` makes one zero of the two.
        let first = values[order[start]] + 0.0;
        let same = |index: usize| (values[index] + 0.0).total_cmp(&first).is_eq();
        let end = start + order[start..].iter().take_while(|&&index| same(index)).count().max(1);
        for &index in &order[start..end] {
            // Ranks start + 1 ..= end have the mean (start + 1 + end) / 2.
            ranks[index] = start + 1 + end;
        }
        ties.push(end - start);
        start = end;
    }
    (ranks, ties)
}
