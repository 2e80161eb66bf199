//! Pure functions from records: statistics, comparison, attribution of bytes.
//!
//! In: a [`Record`](crate::record::Record), or lines of history. Out: plain values that tables, charts and gates
//! draw from: [`summary`] is the one place for the headline figures, [`timings`] for build times. No file is
//! read here, no engine asked and no clock looked at, so an old record can be judged again by a better statistic.
//!
//! [`statistics`] knows numbers only; [`proof`] judges a build while it is measured; [`trend`] looks at many runs.

mod caching;
pub(crate) mod compare;
mod decomposition;
mod observed;
mod overhead;
mod paired;
pub(crate) mod proof;
mod published;
mod ratios;
mod reproduction;
mod shards;
mod sharing;
pub(crate) mod statistics;
mod summary;
mod timing;
pub(crate) mod trend;
mod unwritable;

pub(crate) use caching::{Caching, caching};
pub(crate) use decomposition::{Decomposition, Part, StepTime, decomposition};
pub(crate) use observed::{ObservedStep, ObservedVariant, follows_source_edit, observed};
pub(crate) use overhead::Overhead;
pub use overhead::overhead;
pub(crate) use paired::{NoiseVerdict, RatioEstimate, noise, paired_ratio, unpaired_ratio};
pub(crate) use published::{FigureVerdict, MeasuredFigure, PublishedFigure, RatioSpan, figures};
pub(crate) use ratios::{ScenarioRatio, detectable, ratios_to_first};
pub(crate) use reproduction::{DriftCause, Reproduction, reproduction};
pub(crate) use shards::{MachineClass, MachineSpread, class_timings, drop_noisy, machine_spread, shard_noise};
pub(crate) use sharing::{Sharing, share_out, sharing, sharing_of, unique_bytes};
pub(crate) use summary::{VariantSummary, summary, summary_of_images};
pub(crate) use timing::{Estimate, ScenarioTiming, cpu_until_ready, grouped, in_statistics, ready, timings};
pub(crate) use unwritable::unwritable;

/// Level of every interval that is printed, unless it says otherwise.
pub(crate) const LEVEL: f64 = 0.95;

/// Rounds below which nothing is inferred: no interval, no ratio, no verdict.
pub(crate) const ENOUGH_ROUNDS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn a_thousand_variants_of_twenty_rounds_lose_nothing() {
        let record = fixture::many(1000, 20);
        let lines = summary(&record);
        assert_eq!((lines.len(), timings(&record).len()), (1000, 1000));
        assert!(lines.iter().all(|line| line.timings.len() == 1 && line.smallest));
        let shared = sharing(&record);
        assert_eq!((shared.matrix.len(), Some(shared.total_stored)), (1000, lines[0].size));
        assert!(caching(&record).is_empty());
        assert_eq!(decomposition(&record, crate::record::Scenario::Cold).len(), 1000);
    }

    #[test]
    fn nothing_fails_on_an_empty_record() {
        let mut record = fixture::record();
        record.variants.clear();
        record.samples.clear();
        assert!(summary(&record).is_empty() && timings(&record).is_empty() && reproduction(&record).is_empty());
        assert!(caching(&record).is_empty() && noise(&record).is_none());
        assert!(sharing(&record).variants.is_empty());
        assert!(trend::history_line(&record).variants.is_empty());
    }
}
