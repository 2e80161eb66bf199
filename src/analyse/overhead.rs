//! What tonnage itself costs: the part of a run in which nothing was measured.

use crate::record::Record;
use crate::units::{Nanos, Ratio};

/// Where the wall time of a run went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overhead {
    /// Wall time of the whole run.
    pub elapsed: Nanos,
    /// All builds: those of the samples, discarded, invalid and twins included, and those that are not samples.
    pub builds: Nanos,
    /// Starting, asking and removing containers.
    pub serves: Nanos,
    /// Exporting and reading images.
    pub exports: Nanos,
    /// Pulling bases.
    pub pulls: Nanos,
    /// What is left, tonnage's own: the four parts below.
    pub own: Nanos,
    /// Of it: before the first build, what is on the engine, bases and contexts.
    pub preparing: Nanos,
    /// Of it: having the engine remove what was made.
    pub cleaning: Nanos,
    /// Of it: bringing each finished step to disk.
    pub journal: Nanos,
    /// Of it: packing contexts, opening sessions, looking at images, everything else.
    pub rest: Nanos,
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
    let (preparing, cleaning, journal) = (record.spent.preparing_ns, record.spent.cleaning_ns, record.spent.journal_ns);
    let rest = own.saturating_sub(preparing + cleaning + journal);
    let share = Ratio::of(own.0, elapsed.0)?;
    Some(Overhead { elapsed, builds, serves, exports, pulls, own, preparing, cleaning, journal, rest, share })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn what_was_not_measured_is_overhead() {
        let record = fixture::record();
        let found = overhead(&record).unwrap();
        assert_eq!(found.own, Nanos(6_100_000_000));
        assert_eq!(found.own + found.builds + found.serves + found.exports + found.pulls, record.elapsed_ns);
        assert_eq!(found.preparing + found.cleaning + found.journal + found.rest, found.own);
        assert!(found.share.0 > 0.0 && found.share.0 < 0.03);
    }

    #[test]
    fn a_record_without_its_wall_time_has_none() {
        let mut record = fixture::record();
        record.elapsed_ns = Nanos::ZERO;
        assert_eq!(overhead(&record), None);
    }
}
