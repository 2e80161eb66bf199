//! Two records, weighings, baselines or images against each other, without any budget.

use std::collections::BTreeSet;

use super::GateError;
use super::judge::{Alike, alike};
use super::measured::{Measured, MeasuredKind};
use crate::analyse::compare::{Comparison, compare};
use crate::analyse::{RatioEstimate, grouped, unpaired_ratio};
use crate::line::{Line, code};
use crate::record::{Sample, Scenario, Variant};
use crate::units::Bytes;

/// What changed between two things that were measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Differences {
    /// How the old one is named.
    pub old: String,
    /// How the new one is named.
    pub new: String,
    /// The images that both have, the largest change first.
    pub pairs: Vec<Comparison>,
    /// Images that only the old one has, with their `size`.
    pub only_old: Vec<(String, Option<Bytes>)>,
    /// Images that only the new one has, with their `size`.
    pub only_new: Vec<(String, Option<Bytes>)>,
    /// Build times, where both have them: advisory, for they were not measured in one job.
    pub timings: Vec<TimingDifference>,
    /// What else should be known.
    pub notes: Vec<Line>,
}

/// A build time in both.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimingDifference {
    /// The variant.
    pub variant: String,
    /// The scenario.
    pub scenario: Scenario,
    /// New ÷ old.
    pub estimate: RatioEstimate,
}

/// Compares image by image: by name, or the only one with the only one. `only` picks a single variant.
pub(crate) fn differences(old: &Measured, new: &Measured, only: Option<&str>) -> Result<Differences, GateError> {
    let unlike = |reason: String| GateError::Unlike { old: old.label.clone(), new: new.label.clone(), reason };
    let (a, b) = (pick(old, new, only)?, pick(new, old, only)?);
    let pairs: Vec<(&Variant, &Variant)> = match (a.as_slice(), b.as_slice()) {
        ([one], [other]) => vec![(*one, *other)],
        _ => a.iter().filter_map(|one| Some((*one, *b.iter().find(|other| other.name == one.name)?))).collect(),
    };
    let mut found = Vec::new();
    let mut notes = Vec::new();
    for (one, other) in &pairs {
        if one.sizes.is_none() || other.sizes.is_none() {
            notes.push(code(&other.name).and(" has no image on one side"));
            continue;
        }
        if let Alike::No(reason) = alike(one, old.metrics_version, other, new.metrics_version) {
            return Err(unlike(reason));
        }
        found.push(compare(one, other));
    }
    found.sort_by_key(|difference| std::cmp::Reverse(difference.delta_bytes.magnitude()));
    let in_pairs: BTreeSet<*const Variant> =
        pairs.iter().flat_map(|(one, other)| [std::ptr::from_ref(*one), std::ptr::from_ref(*other)]).collect();
    let alone = |variants: &[&Variant]| -> Vec<(String, Option<Bytes>)> {
        variants
            .iter()
            .filter(|variant| !in_pairs.contains(&std::ptr::from_ref(**variant)))
            .map(|variant| (variant.name.clone(), variant.size()))
            .collect()
    };
    let timings = times(&pairs, old, new);
    if !timings.is_empty() {
        notes.push(
            "times are advisory: they were not measured in one job, so a change of the machine looks like a change of \
             the image"
                .into(),
        );
    }
    Ok(Differences {
        old: old.label.clone(),
        new: new.label.clone(),
        pairs: found,
        only_old: alone(&a),
        only_new: alone(&b),
        timings,
        notes,
    })
}

/// The images of one side: all of them, or the one asked for. The other side may hold it under another name.
fn pick<'a>(from: &'a Measured, other: &Measured, only: Option<&str>) -> Result<Vec<&'a Variant>, GateError> {
    let Some(only) = only else { return Ok(from.variants.iter().collect()) };
    match from.variant(only) {
        Some(variant) => Ok(vec![variant]),
        None if from.variants.len() == 1 && other.variant(only).is_some() => Ok(from.variants.iter().collect()),
        None => Err(GateError::NoVariant {
            subject: format!("`{}`", from.label),
            name: only.to_owned(),
            known: from.variants.iter().map(|variant| variant.name.clone()).collect(),
        }),
    }
}

fn times(pairs: &[(&Variant, &Variant)], old: &Measured, new: &Measured) -> Vec<TimingDifference> {
    if old.kind != MeasuredKind::Run || new.kind != MeasuredKind::Run {
        return Vec::new();
    }
    let key = |sample: &Sample| (sample.variant.clone(), sample.scenario);
    let [before, now] = [old, new].map(|measured| {
        let counted = measured.samples.iter().filter(|sample| !sample.twin);
        grouped(counted.map(|sample| (key(sample), sample)))
    });
    let mut found = Vec::new();
    for (one, other) in pairs {
        for scenario in Scenario::ALL {
            let was = before.get(&(one.name.clone(), scenario));
            let is = now.get(&(other.name.clone(), scenario));
            if let (Some(was), Some(is)) = (was, is)
                && let Some(estimate) = unpaired_ratio(was.iter().copied(), is.iter().copied())
            {
                found.push(TimingDifference { variant: other.name.clone(), scenario, estimate });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::error::Diagnose;
    use crate::exit::Exit;
    use crate::testing::fixture;

    fn measured() -> Measured {
        Measured::of_record(fixture::record(), "run.json", Path::new("run.json")).unwrap()
    }

    #[test]
    fn images_are_paired_by_name_and_the_rest_is_listed() {
        let (mut old, mut new) = (measured(), measured());
        old.variants.remove(0);
        new.variants.remove(3);
        let found = differences(&old, &new, None).unwrap();
        assert_eq!(found.pairs.len(), 2);
        assert_eq!(found.only_old[0].0, "python3.9-alpine-multistage");
        assert_eq!(found.only_new[0].0, "python3.9");
        assert_eq!(found.timings.len(), 10);
        assert!(found.notes[0].to_string().contains("advisory"));
    }

    #[test]
    fn the_only_image_is_compared_with_the_only_image_whatever_its_name() {
        let (mut old, mut new) = (measured(), measured());
        old.variants.truncate(1);
        new.variants.drain(..2);
        new.variants.truncate(1);
        let found = differences(&old, &new, None).unwrap();
        assert_eq!(found.pairs[0].old_name, "python3.9");
        assert_eq!(found.pairs[0].new_name, "python3.9-alpine");
        let picked = differences(&measured(), &new, Some("python3.9-alpine")).unwrap();
        assert_eq!(picked.pairs[0].delta_bytes.0, 0);
        let error = differences(&measured(), &new, Some("x")).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.hint().unwrap().contains("python3.9-slim"));
    }

    #[test]
    fn unlike_things_are_refused() {
        let mut new = measured();
        new.variants[1].platform = "linux/arm64".into();
        let error = differences(&measured(), &new, None).unwrap_err();
        assert_eq!(error.exit(), Exit::NotComparable);
        assert!(error.to_string().contains("linux/arm64"), "{error}");
    }
}
