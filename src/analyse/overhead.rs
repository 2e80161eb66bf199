//! What tonnage itself costs: the part of a run in which nothing was measured.

use crate::record::Record;
use crate::units::{Nanos, Ratio};

/// Where the wall time of a run went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overhead {
    /// Wall time of the whole run.
    pub elapsed: Nanos,
    /// All builds: those of the samples, discarded, invalid and twins included, and those that are no sample.
    pub builds: Nanos,
    /// Starting, asking and removing containers.
    pub serves: Nanos,
    /// Exporting and reading images.
    pub exports: Nanos,
    /// Pulling bases.
    pub pulls: Nanos,
    /// What is left: planning, packing, snapshots, clean-up, writing.
    pub own: Nanos,
    /// `own` ÷ `elapsed`.
    pub share: Ratio,
}

/// Wall time − Σ (builds, serves, exports, pulls) of a run. `None` where the record does not know its wall time.
pub fn overhead(record: &Record) -> Option<Overhead> {
    let elapsed = record.elapsed_ns;
    let builds = record.samples.iter().map(|sample| sample.wall_ns).sum::<Nanos>() + record.spent.other_builds_ns;
    let pulls = record.pulls.iter().map(|pull| pull.wall_ns).sum();
    let (serves, exports) = (record.spent.serves_ns, record.spent.exports_ns);
    let own = elapsed.saturating_sub(builds + serves + exports + pulls);
    Some(Overhead { elapsed, builds, serves, exports, pulls, own, share: Ratio::of(own.0, elapsed.0)? })
}
