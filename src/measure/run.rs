//! A run that is going on: what all of its parts work with.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Instant;

use super::against::States;
use super::base::Site;
use super::cancel::{Cancel, Halt};
use super::diary::Diary;
use super::error::MeasureError;
use super::event::{Event, Observer as _};
use super::masked::MaskedObserver;
use super::options::RunOptions;
use super::subject::{Common, Purpose, Subject};
use super::updates::FirstLayers;
use crate::engine::{BuildFailure, ImageBuilder};
use crate::image::Weigher;
use crate::record::Scenario;
use crate::suite::SuiteVariant;
use crate::units::Nanos;

/// How often one build is made again because the engine lost a layer.
pub(super) const MOST_LOST: u32 = 2;

/// A run that is going on.
pub(super) struct Run<'a, E> {
    pub(super) states: &'a States<'a>,
    pub(super) engine: &'a E,
    pub(super) options: &'a RunOptions,
    pub(super) cancel: &'a Cancel,
    pub(super) observer: MaskedObserver<'a>,
    pub(super) diary: Diary,
    pub(super) common: Common,
    /// What the bases need.
    pub(super) site: Site,
    /// Knows the layers that were read before; not there while it reads.
    pub(super) weigher: Option<Weigher>,
    /// New layers of the edits that were weighed once, to compare the second with.
    pub(super) first_layers: FirstLayers,
    pub(super) begun: Instant,
    /// Time of the pulls of this part of the run.
    pub(super) pulled: Nanos,
}

impl<E: ImageBuilder> Run<'_, E> {
    /// Builds what the cache must hold before a scenario that takes it for granted, and returns the id of the image.
    pub(super) async fn prime(&mut self, subject: &Subject<'_>) -> Result<Result<String, BuildFailure>, Halt> {
        let purpose = Purpose { scenario: Scenario::Warm, fresh: "", age: 0, twin: false, moved: &BTreeMap::new() };
        let request = subject.request(&purpose, &self.common)?;
        let begun = Instant::now();
        let mut unheard = |_| {};
        let mut lost = 0;
        let built = loop {
            let building = self.diary.ledger.build(self.engine, &request, subject.instructions(), &mut unheard);
            let built = self.cancel.run_until_cancelled(pin!(building)).await???;
            let has_lost = built.as_ref().is_err_and(BuildFailure::lost_a_layer);
            if !has_lost || lost == MOST_LOST {
                break built;
            }
            lost += 1;
        };
        self.diary.spent.other_builds_ns += Nanos::from(begun.elapsed());
        Ok(built.map(|output| output.image_id))
    }
}

impl<E> Run<'_, E> {
    /// Says that a build failed, and its variant with it.
    pub(super) fn say_failed(&mut self, variant: &SuiteVariant, scenario: Scenario, message: &str) {
        let variant = &variant.side.label(&variant.name);
        self.observer.event(&Event::BuildFailed { variant, scenario, message });
    }

    /// Warns of something about the run as a whole, and records it.
    pub(super) fn find(&mut self, code: &str, message: &str) -> Result<(), MeasureError> {
        self.observer.event(&Event::Warning(message));
        self.diary.find(code, message)
    }
}
