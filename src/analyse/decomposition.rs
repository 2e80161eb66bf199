//! Where the time of a build goes: context, resolving, every instruction, export.

use std::collections::BTreeMap;

use super::shards::ShownClass;
use super::timing::{count, grouped, in_statistics, median_time, outside_parts};
use crate::record::{Record, Sample, Scenario, Step};
use crate::units::Nanos;

/// Which part of a build a time belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Sending and unpacking the context.
    Upload,
    /// Resolving base images and reading the Dockerfile.
    Resolve,
    /// One instruction.
    Instruction,
    /// Writing the image.
    Export,
    /// Wall time outside all of these: the builder's own, and the stream's delay.
    Other,
}

/// The median time of one part of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepTime {
    /// Which part it is.
    pub part: Part,
    /// The instruction; empty for the other parts.
    pub instruction: String,
    /// Its build stage as the builder names it; empty for a single stage.
    pub stage: String,
    /// Median of its time over the valid samples.
    pub median: Nanos,
    /// Samples behind it.
    pub n: u32,
    /// In how many of them it came from cache.
    pub cached: u32,
}

/// Where the time of one variant's builds goes in one scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decomposition {
    /// The variant.
    pub variant: String,
    /// The scenario.
    pub scenario: Scenario,
    /// Median wall time of the valid samples.
    pub wall: Nanos,
    /// The parts in the order of the build. They add to about the wall: medians of parts do so only roughly, and
    /// stages that a builder runs side by side add to more.
    pub parts: Vec<StepTime>,
    /// Whether the stamps are the client's (classic builder) and include the stream's delay.
    pub client_side: bool,
}

/// Medians of every part of the builds of one scenario, by variant in the order of the record. A variant without a
/// valid sample is left out.
pub(crate) fn decomposition(record: &Record, scenario: Scenario) -> Vec<Decomposition> {
    let shown = ShownClass::of(record);
    let counts = |sample: &&Sample| sample.scenario == scenario && in_statistics(sample) && shown.holds(sample);
    let groups = grouped(record.samples.iter().filter(counts).map(|sample| (sample.variant.as_str(), sample)));
    let variants = record.variants.iter();
    variants
        .filter_map(|variant| Some(decompose(&variant.name, scenario, groups.get(variant.name.as_str())?)))
        .collect()
}

fn decompose(variant: &str, scenario: Scenario, samples: &[&Sample]) -> Decomposition {
    let whole = |part: Part, time: fn(&Sample) -> Nanos| StepTime {
        part,
        instruction: String::new(),
        stage: String::new(),
        median: median_time(samples.iter().map(|sample| time(sample))),
        n: count(samples.len()),
        cached: 0,
    };
    let mut parts = vec![
        whole(Part::Upload, |sample| sample.parts.upload_ns),
        whole(Part::Resolve, |sample| sample.parts.resolve_ns),
    ];
    for steps in instructions(samples) {
        let Some(first) = steps.first() else { continue };
        parts.push(StepTime {
            part: Part::Instruction,
            instruction: first.instruction.clone(),
            stage: first.stage.clone(),
            median: median_time(steps.iter().map(|step| step.duration_ns)),
            n: count(steps.len()),
            cached: count(steps.iter().filter(|step| step.cached).count()),
        });
    }
    parts.push(whole(Part::Export, |sample| sample.parts.export_ns));
    parts.push(whole(Part::Other, outside_parts));
    Decomposition {
        variant: variant.to_owned(),
        scenario,
        wall: median_time(samples.iter().map(|sample| sample.wall_ns)),
        parts,
        client_side: samples.iter().any(|sample| sample.parts.client_side),
    }
}

/// The same instruction's steps of all samples together, in the order of the first sample that has it. An
/// instruction that stands twice in a stage is told apart by its number.
fn instructions<'a>(samples: &[&'a Sample]) -> Vec<Vec<&'a Step>> {
    let mut positions: BTreeMap<(&str, &str, usize), usize> = BTreeMap::new();
    let mut found: Vec<Vec<&Step>> = Vec::new();
    for sample in samples {
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for step in &sample.steps {
            let number = seen.entry((&step.stage, &step.instruction)).or_default();
            let position = *positions.entry((&step.stage, &step.instruction, *number)).or_insert_with(|| {
                found.push(Vec::new());
                found.len() - 1
            });
            *number += 1;
            found[position].push(step);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};

    #[test]
    fn parts_add_up_to_about_the_wall() {
        let record = fixture::record();
        for scenario in Scenario::USUAL {
            let found = decomposition(&record, scenario);
            assert_eq!(found.len(), 4);
            for build in found {
                let sum: Nanos = build.parts.iter().map(|part| part.median).sum();
                let ratio = sum.0 as f64 / build.wall.0 as f64;
                assert!((ratio - 1.0).abs() < 0.05, "{} {scenario}: {ratio}", build.variant);
            }
        }
    }

    #[test]
    fn instructions_stand_in_the_order_of_the_build_with_their_stage() {
        let found = decomposition(&fixture::record(), Scenario::Cold);
        let multistage = found.iter().find(|build| build.variant == NAMES[3]).unwrap();
        let rows: Vec<(Part, &str, &str)> = multistage
            .parts
            .iter()
            .map(|part| (part.part, part.stage.as_str(), part.instruction.split(' ').next().unwrap_or_default()))
            .collect();
        assert_eq!(
            rows,
            [
                (Part::Upload, "", ""),
                (Part::Resolve, "", ""),
                (Part::Instruction, "builder", "COPY"),
                (Part::Instruction, "builder", "RUN"),
                (Part::Instruction, "stage-2", "COPY"),
                (Part::Instruction, "stage-2", "COPY"),
                (Part::Instruction, "stage-2", "WORKDIR"),
                (Part::Export, "", ""),
                (Part::Other, "", ""),
            ]
        );
        let pip = &multistage.parts[3];
        assert_eq!((pip.n, pip.cached), (7, 0));
        assert!(pip.median > Nanos(7_100_000_000) && pip.median < Nanos(7_500_000_000));
        assert_eq!(multistage.parts[6].cached, 7);
    }

    #[test]
    fn an_instruction_that_stands_twice_is_two_rows() {
        let mut record = fixture::record();
        for sample in &mut record.samples {
            let again = sample.steps[0].clone();
            sample.steps.push(again);
        }
        let found = decomposition(&record, Scenario::Cold);
        let count = found[0].parts.iter().filter(|part| part.instruction == "WORKDIR /app").count();
        assert_eq!((count, found[0].parts[2].n), (2, 7));
    }
}
