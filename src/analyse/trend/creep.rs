//! Growth in steps too small to be noticed one by one.

use crate::analyse::statistics;
use crate::units::Ratio;

/// Fewer runs than these are not a trend.
const FEWEST_RUNS: usize = 5;

/// Growth over all that is worth a word, and the largest step that still goes unnoticed.
const GROWTH: f64 = 1.05;
const UNNOTICED: f64 = 1.01;

/// A slow growth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Creep {
    /// Runs that it spans.
    pub runs: usize,
    /// Last ÷ first.
    pub growth: Ratio,
    /// The largest ratio of one run to the one before.
    pub largest_step: Ratio,
}

/// Finds growth by at least 5 % in which no step is above 1 % (up or down), in the last stretch of such steps that has at least 5
/// runs and goes up beyond chance (Mann–Kendall, 5 %). `None` where there is none.
pub(super) fn creep(values: &[f64]) -> Option<Creep> {
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] / pair[0]).collect();
    // A step that anyone would notice, up or down (or that is not a number), ends what came before it.
    let unnoticed = |step: f64| (1.0 / UNNOTICED..=UNNOTICED).contains(&step);
    let start = steps.iter().rposition(|step| !unnoticed(*step)).map_or(0, |position| position + 1);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A series that starts at 100 MB and takes these steps.
    fn series(steps: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut values = vec![100e6];
        for step in steps {
            let last = values[values.len() - 1];
            values.push(last * step);
        }
        values
    }

    #[test]
    fn thirty_small_steps_are_creep() {
        let found = creep(&series([1.003; 29])).unwrap();
        assert_eq!(found.runs, 30);
        assert!((found.growth.0 - 1.003_f64.powi(29)).abs() < 1e-9);
        assert_eq!((found.growth.as_change().as_str(), found.runs), ("+9.1 %", 30));
    }

    #[test]
    fn what_a_single_run_shows_or_what_is_small_is_none() {
        assert_eq!(creep(&series([1.0; 29])), None);
        assert_eq!(creep(&series([1.001; 29])), None, "+2.9 %");
        assert_eq!(creep(&series([1.09])), None);
        assert_eq!(creep(&series([1.02, 1.02, 1.02, 1.02, 1.02])), None, "each step is noticed");
        assert_eq!(creep(&series([0.997; 29])), None);
        assert_eq!(creep(&[]), None);
        assert_eq!(creep(&[0.0; 9]), None);
    }

    #[test]
    fn only_what_came_after_a_noticed_step_counts() {
        let mut steps = vec![1.5, 0.5];
        steps.extend([1.005; 12]);
        let found = creep(&series(steps)).unwrap();
        assert_eq!(found.runs, 13);
    }

    #[test]
    fn small_falls_on_the_way_do_not_hide_it() {
        let steps = (0..40).map(|index| if index % 4 == 0 { 0.998 } else { 1.004 });
        assert!(creep(&series(steps)).is_some());
    }
}
