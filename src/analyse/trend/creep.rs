//! Growth in steps too small to be noticed one by one.

use crate::analyse::statistics;
use crate::units::Ratio;

/// Fewer runs than these are no trend.
const FEWEST_RUNS: usize = 5;

/// Growth over all that is worth a word, and the largest step that still goes unnoticed.
const GROWTH: f64 = 1.05;
const UNNOTICED: f64 = 1.01;

/// A slow growth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Creep {
    /// Runs that it spans.
    pub runs: usize,
    /// Last ÷ first.
    pub growth: Ratio,
    /// The largest ratio of one run to the one before.
    pub largest_step: Ratio,
}

impl Creep {
    /// `+9.0 % over 30 runs, no step above 1 %`.
    pub fn sentence(&self) -> String {
        format!("{} over {} runs, no step above 1 %", self.growth.as_change(), self.runs)
    }
}

/// Finds growth by at least 5 % in which no step is above 1 %, in the last stretch of such steps that has at least 5
/// runs and goes up beyond chance (Mann–Kendall, 5 %). `None` where there is none.
pub fn creep(values: &[f64]) -> Option<Creep> {
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] / pair[0]).collect();
    // A step that anyone would notice (or that is no number) ends what came before it.
    let start = steps.iter().rposition(|step| *step > UNNOTICED || step.is_nan()).map_or(0, |position| position + 1);
    let stretch = values.get(start..).filter(|stretch| stretch.len() >= FEWEST_RUNS)?;
    let growth = stretch.last()? / stretch.first()?;
    let largest = steps[start..].iter().copied().fold(f64::MIN, f64::max);
    let trend = statistics::drift(stretch)?;
    (growth >= GROWTH && trend.p <= 0.05 && trend.slope > 0.0).then_some(Creep {
        runs: stretch.len(),
        growth: Ratio(growth),
        largest_step: Ratio(largest),
    })
}
