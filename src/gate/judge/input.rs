//! What is judged, and by what.

use std::path::Path;

use crate::gate::baseline::Baseline;
use crate::gate::budget::Budgets;
use crate::gate::measured::Measured;
use crate::gate::timing::TimingResult;

/// What is judged, by what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    /// What was measured.
    pub measured: &'a Measured,
    /// The rules.
    pub budgets: &'a Budgets,
    /// What was accepted before, and how it is named in messages.
    pub baseline: Option<(&'a Baseline, &'a str)>,
    /// Times of this job against those of its base; empty where none were measured so.
    pub timings: &'a [TimingResult],
    /// What those times were measured against, as messages name it; `None` where nothing was.
    pub against: Option<&'a str>,
    /// The suite's folder as it is named in annotations: from the repository's root.
    pub suite: &'a Path,
    /// The command that makes this record the baseline.
    pub accept: &'a str,
    /// The command that measures again and makes that the baseline, on a machine without this record.
    pub accept_elsewhere: Option<&'a str>,
}
