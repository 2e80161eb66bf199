//! What became of published figures that are not sizes of images: compressed sizes, updates, and times.
//!
//! Bytes are compared with the figure's interval. Times are another machine's, so only ratios between variants are: of the
//! published figures and of the measured medians, each with its interval.

use super::timing::{Estimate, ScenarioTiming, ready};
use crate::record::{Published, PublishedMetric, Record, Scenario, Variant};
use crate::units::{Bytes, Nanos, Ratio};

/// A ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RatioSpan {
    pub middle: Ratio,
    pub low: Ratio,
    pub high: Ratio,
}

/// What was measured of a published figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MeasuredFigure {
    Bytes(Bytes),
    Time(Nanos),
}

/// What became of a published figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FigureVerdict {
    /// It prints as published.
    Reproduced,
    /// It does not.
    Drifted,
    /// It was measured on a substitute base image, so it proves nothing either way.
    StandIn,
    /// It was not measured.
    NotMeasured,
    /// It is the time that others are divided by.
    Divisor,
    /// The ratio of two times, to that of this variant: as published, as measured, and whether the intervals meet.
    Ratio { to: String, published: RatioSpan, measured: RatioSpan, agrees: bool },
}

/// A published figure and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PublishedFigure {
    /// The variant.
    pub variant: String,
    pub published: Published,
    pub measured: Option<MeasuredFigure>,
    pub verdict: FigureVerdict,
}

/// One entry for each published figure that is not a size, in the order of the record.
pub(crate) fn figures(record: &Record, timings: &[ScenarioTiming]) -> Vec<PublishedFigure> {
    let time = |variant: &Variant, metric: PublishedMetric| -> Option<Estimate> {
        match metric {
            PublishedMetric::Compressed | PublishedMetric::UpdateSrc => None,
            PublishedMetric::Startup => variant.serve.as_ref().and_then(ready),
            PublishedMetric::Cold => {
                let of = |timing: &&ScenarioTiming| timing.variant == variant.name && timing.scenario == Scenario::Cold;
                timings.iter().find(of)?.estimate
            }
        }
    };
    // The first variant of each metric that can be divided by.
    let divisor = |metric: PublishedMetric| {
        record.variants.iter().filter(|variant| !variant.is_stand_in()).find_map(|variant| {
            let published = variant.published.iter().find(|published| published.metric == metric)?;
            Some((variant, published, time(variant, metric)?))
        })
    };
    let judge = |variant: &Variant, published: &Published| -> (Option<MeasuredFigure>, FigureVerdict) {
        let sizes = variant.sizes.as_ref();
        let bytes = match published.metric {
            PublishedMetric::Compressed => variant.compressed().map(|(bytes, _)| bytes),
            PublishedMetric::UpdateSrc => variant.update.src.as_ref().map(crate::record::Update::most_bytes),
            PublishedMetric::Cold | PublishedMetric::Startup => None,
        };
        let stand_in = variant.is_stand_in();
        if let (Some(bytes), Some(sizes)) = (bytes, sizes) {
            let verdict = match published.contains(sizes, bytes) {
                _ if stand_in => FigureVerdict::StandIn,
                Some(true) => FigureVerdict::Reproduced,
                _ => FigureVerdict::Drifted,
            };
            return (Some(MeasuredFigure::Bytes(bytes)), verdict);
        }
        let Some(own) = time(variant, published.metric) else { return (None, FigureVerdict::NotMeasured) };
        let verdict = match divisor(published.metric) {
            _ if stand_in => FigureVerdict::StandIn,
            Some((first, of_first, time)) if first.name != variant.name => {
                let published = span((published.low, published.high), (of_first.low, of_first.high));
                let measured = RatioSpan { middle: of(own.median, time.median), ..span(ends(own), ends(time)) };
                let agrees = published.low.0 < measured.high.0 && measured.low.0 < published.high.0
                    || (published.low.0..published.high.0).contains(&measured.middle.0);
                FigureVerdict::Ratio { to: first.name.clone(), published, measured, agrees }
            }
            _ => FigureVerdict::Divisor,
        };
        (Some(MeasuredFigure::Time(own.median)), verdict)
    };
    let figure = |variant: &Variant, published: &Published| {
        let (measured, verdict) = judge(variant, published);
        PublishedFigure { variant: variant.name.clone(), published: published.clone(), measured, verdict }
    };
    let variants = record.variants.iter();
    variants.flat_map(|variant| variant.published.iter().map(move |published| figure(variant, published))).collect()
}

fn ends(estimate: Estimate) -> (u64, u64) {
    let end = |end: Option<Nanos>| end.unwrap_or(estimate.median).0;
    (end(estimate.low), end(estimate.high))
}

/// Of one interval to another.
fn span((low, high): (u64, u64), (of_low, of_high): (u64, u64)) -> RatioSpan {
    let middle = |low: u64, high: u64| Nanos(low / 2 + high / 2);
    RatioSpan {
        middle: of(middle(low, high), middle(of_low, of_high)),
        low: of(Nanos(low), Nanos(of_high)),
        high: of(Nanos(high), Nanos(of_low)),
    }
}

fn of(part: Nanos, whole: Nanos) -> Ratio {
    Ratio(part.0 as f64 / whole.0.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::timing::timings;
    use super::*;
    use crate::record::WireKind;
    use crate::testing::fixture;

    fn published(metric: PublishedMetric, low: u64, high: u64) -> Published {
        Published { metric, claim: "as printed".to_owned(), low, high }
    }

    #[test]
    fn bytes_are_compared_with_the_interval_of_the_figure() {
        let mut record = fixture::record();
        let variant = &mut record.variants[1];
        let sizes = variant.sizes.as_mut().unwrap();
        (sizes.wire_bytes, sizes.wire_kind) = (Bytes(43_500_000), WireKind::Exact);
        let update = variant.update.src.as_ref().unwrap().bytes.0;
        variant.published = vec![
            published(PublishedMetric::Compressed, 43_450_000, 43_550_000),
            published(PublishedMetric::Compressed, 43_550_000, 43_650_000),
            published(PublishedMetric::UpdateSrc, update, update + 1),
        ];
        record.variants[2].published = vec![published(PublishedMetric::UpdateSrc, 1, 2)];
        record.variants[2].update.src = None;
        let verdicts: Vec<_> = figures(&record, &timings(&record)).into_iter().map(|figure| figure.verdict).collect();
        let expected =
            [FigureVerdict::Reproduced, FigureVerdict::Drifted, FigureVerdict::Reproduced, FigureVerdict::NotMeasured];
        assert_eq!(verdicts, expected);
        // What is left out of the sum cannot be judged.
        record.variants[1].sizes.as_mut().unwrap().wire_kind = WireKind::Unknown;
        assert_eq!(figures(&record, &timings(&record))[0].verdict, FigureVerdict::NotMeasured);
        record.variants[1].sizes.as_mut().unwrap().wire_kind = WireKind::Exact;
        record.variants[1].bases[0].origin = crate::record::BaseOrigin::StandIn;
        assert_eq!(figures(&record, &timings(&record))[0].verdict, FigureVerdict::StandIn);
    }

    #[test]
    fn times_are_compared_as_ratios_between_variants_only() {
        let mut record = fixture::record();
        let cold = |record: &Record, variant: usize| {
            let name = record.variants[variant].name.clone();
            let of =
                |timing: &&super::super::ScenarioTiming| timing.variant == name && timing.scenario == Scenario::Cold;
            timings(record).iter().find(of).unwrap().estimate.unwrap().median.0
        };
        let (first, second) = (cold(&record, 0), cold(&record, 1));
        // Three times slower machines, the same ratio; and one that is twice as much.
        let around = |time: u64| published(PublishedMetric::Cold, time * 3 - 1_000_000, time * 3 + 1_000_000);
        record.variants[0].published = vec![around(first)];
        record.variants[1].published = vec![around(second)];
        record.variants[2].published = vec![around(cold(&record, 2) * 2)];
        let found = figures(&record, &timings(&record));
        assert_eq!(found[0].verdict, FigureVerdict::Divisor);
        assert_eq!(found[0].measured, Some(MeasuredFigure::Time(Nanos(first))));
        let agrees = |figure: &PublishedFigure| match &figure.verdict {
            FigureVerdict::Ratio { to, agrees, .. } => (to.clone(), *agrees),
            other => panic!("{other:?}"),
        };
        assert_eq!(agrees(&found[1]), (fixture::NAMES[0].to_owned(), true));
        assert_eq!(agrees(&found[2]), (fixture::NAMES[0].to_owned(), false));
    }
}
