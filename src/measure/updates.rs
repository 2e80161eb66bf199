//! What an edit makes everybody pull: the layers of an edited image that the one before the edit does not have.
//!
//! Read in the first two rounds that have an edited image, between rounds, where no clock runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tonnage_image::LayerScan;

use super::cancel::Halt;
use super::event::{Event, Observer as _};
use super::run::Run;
use super::subject::Subject;
use crate::engine::{ImageBuilder, ImageHost, ImageInfo};
use crate::record::{Base, Scenario, Update, UpdateAgain, UpdateLayer, Updates, WireKind};
use crate::units::{Bytes, Nanos};

/// How many paths are named that differ between two rounds.
const DIFFERING: usize = 20;

/// New layers by variant and edit, as the first round made them.
pub(super) type FirstLayers = BTreeMap<(String, Scenario), Vec<Arc<LayerScan>>>;

/// An edited image that is to be weighed.
struct Edited<'s> {
    subject: &'s Subject<'s>,
    scenario: Scenario,
    round: u32,
    info: ImageInfo,
    /// Diff ids of the image before the edit.
    before: BTreeSet<String>,
    /// How many layers at the bottom are the base's, where that is what moved.
    moved: usize,
}

impl<E: ImageBuilder + ImageHost> Run<'_, E> {
    /// Weighs what the newest edits changed, twice for each variant and edit.
    pub(super) async fn weigh_updates(&mut self, subjects: &[Option<Subject<'_>>]) -> Result<(), Halt> {
        let mut edited = Vec::new();
        for subject in subjects.iter().flatten().filter(|subject| subject.variant.side.is_head()) {
            for scenario in Updates::EDITS {
                edited.extend(self.edited(subject, scenario).await?);
            }
        }
        if edited.is_empty() {
            return Ok(());
        }
        self.observer.event(&Event::Weighing { bytes: Bytes::ZERO });
        let begun = Instant::now();
        let images = edited.iter().map(|edit| (edit.subject.tag_of(edit.scenario), edit.info.clone())).collect();
        let read = self.read_images(images).await;
        self.diary.spent.exports_ns += Nanos::from(begun.elapsed());
        let mut readings = match read? {
            Ok(readings) => readings,
            Err(reason) => {
                let warning = format!("failed to weigh what the edits changed: {reason}");
                self.find("updates_unweighed", &warning)?;
                return Ok(());
            }
        };
        for edit in edited {
            let reading = readings.remove(&edit.subject.tag_of(edit.scenario));
            let Some(Ok(reading)) = reading else { continue };
            let Some(scan) = reading.scans.first() else { continue };
            let mut pulled = edit.before;
            let (new, layers): (Vec<_>, Vec<_>) = scan
                .layers
                .iter()
                .zip(scan.config.instructions())
                .skip(edit.moved)
                .filter(|(layer, _)| pulled.insert(layer.diff_id.clone()))
                .map(|(scan, instruction)| {
                    let layer = UpdateLayer {
                        diff_id: scan.diff_id.clone(),
                        size_bytes: Bytes(scan.size_bytes),
                        compressed_bytes: Bytes(scan.wire_bytes),
                        instruction,
                    };
                    (Arc::clone(scan), layer)
                })
                .unzip();
            let exact = new.iter().all(|layer| layer.wire_exact);
            let update = Update {
                round: edit.round,
                bytes: layers.iter().map(|layer| layer.size_bytes).sum(),
                compressed_bytes: layers.iter().map(|layer| layer.compressed_bytes).sum(),
                compressed_kind: if exact { WireKind::Exact } else { WireKind::Estimated },
                layers,
                again: None,
            };
            let key = (edit.subject.variant.name.clone(), edit.scenario);
            let differing = self.first_layers.get(&key).map(|first| differing_paths(first, &new)).unwrap_or_default();
            self.diary.update(edit.subject.variant, |entry| match entry.update.of_mut(edit.scenario) {
                Some(Some(first)) => {
                    let differing_paths = if first.bytes == update.bytes { Vec::new() } else { differing };
                    let (round, bytes, compressed_bytes) = (update.round, update.bytes, update.compressed_bytes);
                    first.again = Some(UpdateAgain { round, bytes, compressed_bytes, differing_paths });
                }
                Some(first) => *first = Some(update),
                None => {}
            })?;
            self.first_layers.entry(key).or_insert(new);
        }
        Ok(())
    }

    /// The newest image of an edit, where it is still to be weighed and the engine has it.
    async fn edited<'s>(&mut self, subject: &'s Subject<'s>, scenario: Scenario) -> Result<Option<Edited<'s>>, Halt> {
        let known = self.diary.entry(subject.variant).and_then(|entry| entry.update.of(scenario));
        let (last, twice) = known.map(|update| (update.round, update.again.is_some())).unzip();
        let samples = self.diary.record.samples.iter();
        let mut made = samples.filter(|sample| subject.made(sample) && !sample.twin && sample.scenario == scenario);
        let Some(sample) = made.next_back() else { return Ok(None) };
        let (round, made) = (sample.round, sample.image_id.clone());
        if twice == Some(true) || last == Some(round) || !sample.valid {
            return Ok(None);
        }
        let Some(info) = self.engine.image(&subject.tag_of(scenario)).await? else { return Ok(None) };
        let Some(before) = self.engine.image(&subject.tag).await? else { return Ok(None) };
        // After a resumption the name may be another build's.
        let newest = info.id == made;
        let base = self.diary.entry(subject.variant).and_then(|entry| entry.bases.last());
        let own = |base: &Base| before.diff_ids.iter().zip(&base.diff_ids).take_while(|(a, b)| a == b).count();
        let moved = match base.filter(|_| scenario == Scenario::Base).map_or(0, own) {
            // The last stage begins with another stage, or with nothing.
            0 => 0,
            layers => layers + 1,
        };
        let before = before.diff_ids.into_iter().collect();
        Ok(newest.then_some(Edited { subject, scenario, round, info, before, moved }))
    }
}

/// Paths whose size is not the same in two rounds' layers, in order.
fn differing_paths(first: &[Arc<LayerScan>], again: &[Arc<LayerScan>]) -> Vec<String> {
    let sizes = |layers: &[Arc<LayerScan>]| -> BTreeMap<String, u64> {
        layers.iter().flat_map(|layer| layer.sized_paths()).collect()
    };
    let (first, again) = (sizes(first), sizes(again));
    let paths: BTreeSet<&String> = first.keys().chain(again.keys()).collect();
    paths.into_iter().filter(|path| first.get(*path) != again.get(*path)).take(DIFFERING).cloned().collect()
}
