//! Records of earlier versions, read as this one would have written them.
//!
//! The only place that knows what those said in words.

use super::{FORMAT_VERSION, Record, Sample, SampleState, ServeState, Side, Variant};

/// How 1.0 began the reason of a build that the engine did not live to end, and of one that failed.
const UNFINISHED: &str = "not finished: ";
const FAILED: &str = "the build failed: ";
/// How the journal of 1.0 named variants of the state that a run is measured against.
const BASE: &str = "@base";

/// What brings the parts of an earlier record into the present form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upgrade(());

impl Upgrade {
    /// That of records of a format; `None` where they need none.
    pub(crate) fn from(format_version: &str) -> Option<Self> {
        let minor = |version: &str| -> Option<u64> { version.split_once('.')?.1.parse().ok() };
        (minor(format_version) < minor(FORMAT_VERSION)).then_some(Self(()))
    }

    /// Of a variant.
    pub(crate) fn variant(self, variant: &mut Variant) {
        side(&mut variant.name, &mut variant.side);
        if let Some(serve) = variant.serve.as_mut().filter(|serve| !serve.ok) {
            serve.state = ServeState::Failed;
        }
    }

    /// Of a sample.
    pub(crate) fn sample(self, sample: &mut Sample) {
        side(&mut sample.variant, &mut sample.side);
        if !sample.valid && sample.image_id.is_empty() {
            sample.state = match sample.reason.as_str() {
                reason if reason.starts_with(UNFINISHED) => SampleState::Unfinished,
                reason if reason.starts_with(FAILED) => SampleState::Failed,
                _ => SampleState::Finished,
            };
        }
    }

    /// Of a record.
    pub(crate) fn record(self, record: &mut Record) {
        FORMAT_VERSION.clone_into(&mut record.format_version);
        for variant in &mut record.variants {
            self.variant(variant);
        }
        for sample in &mut record.samples {
            self.sample(sample);
        }
    }
}

fn side(name: &mut String, side: &mut Side) {
    if let Some(length) = name.strip_suffix(BASE).map(str::len) {
        name.truncate(length);
        *side = Side::Base;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record;
    use crate::testing::fixture;

    #[test]
    fn words_of_1_0_become_states() {
        let mut record = fixture::record();
        record.samples.truncate(4);
        let mut say = |index: usize, valid: bool, image: &str, reason: &str| {
            let sample: &mut Sample = &mut record.samples[index];
            (sample.valid, sample.image_id, sample.reason) = (valid, image.to_owned(), reason.to_owned());
        };
        say(0, false, "", "not finished: the engine went away");
        say(1, false, "", "the build failed: not finished: a trap");
        say(2, false, "sha256:a", "not finished: an instruction of that name");
        record.samples[3].variant.push_str("@base");
        record.variants[0].name.push_str("@base");
        let as_in_1_0 =
            |ok| record::Serve { ok, state: ServeState::default(), ..record.variants[0].serve.clone().unwrap() };
        let (served, failed) = (as_in_1_0(true), as_in_1_0(false));
        (record.variants[0].serve, record.variants[1].serve) = (Some(served), Some(failed));
        Upgrade::from("1.0").unwrap().record(&mut record);
        let states: Vec<SampleState> = record.samples.iter().map(|sample| sample.state).collect();
        let expected = [SampleState::Unfinished, SampleState::Failed, SampleState::Finished, SampleState::Finished];
        assert_eq!(states, expected);
        assert_eq!((record.samples[3].side, record.variants[0].side), (Side::Base, Side::Base));
        assert_eq!(record.variants[0].name, fixture::NAMES[0]);
        let state = |index: usize| record.variants[index].serve.as_ref().unwrap().state;
        assert_eq!((state(0), state(1)), (ServeState::Answered, ServeState::Failed));
        assert_eq!(record.format_version, FORMAT_VERSION);
        assert!(Upgrade::from(FORMAT_VERSION).is_none() && Upgrade::from("1.99").is_none());
    }
}
