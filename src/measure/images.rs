//! What a run does with the images it built: weighs them and sees whether they serve.

use std::collections::BTreeMap;
use std::time::Instant;

use super::begin::reference;
use super::build::Subject;
use super::cancel::Cancel;
use super::error::MeasureError;
use super::event::{Event, Observer};
use super::serve::{Question, serve};
use super::session::{Primed, Session};
use super::way::NotInPlace;
use super::weigh::{Reading, WeighError, weigh_on_engine};
use crate::analyse;
use crate::engine::{ContainerSpec, Engine, ImageInfo, labels};
use crate::error::chain;
use crate::image::{self, ReportOptions, StoreError, Weigher};
use crate::record::{Failure, LayerOrigin, Outcome, Variant};
use crate::units::{Bytes, Nanos};

/// How many entries of each bounded list a record keeps for a variant.
const TOP: usize = 200;

impl<E: Engine> Session<'_, E> {
    /// Weighs and serves the variants that have an image and no sizes yet. `false` when asked to stop.
    pub(super) async fn weigh_and_serve(
        &mut self,
        subjects: &[Option<Subject<'_>>],
        cancel: &Cancel,
        observer: &mut dyn Observer,
    ) -> Result<bool, MeasureError> {
        let mut waiting = Vec::new();
        for subject in subjects.iter().flatten() {
            let entry = self.entry(&subject.variant.name);
            if entry.is_some_and(|entry| entry.sizes.is_none() && entry.outcome != Outcome::BuildFailed) {
                match self.engine.image(&subject.tag).await? {
                    Some(info) => waiting.push((subject, info)),
                    // A resumed run whose builds were all done before: the image has to be made again.
                    None if self.record.samples.iter().any(|sample| sample.variant == subject.variant.name) => {
                        match self.prime(subject, cancel).await? {
                            Primed::Interrupted => return Ok(false),
                            Primed::Failed(failure) => self.fail(&subject.variant.name, "build", &failure.message)?,
                            Primed::Image(_) => {
                                waiting.extend(self.engine.image(&subject.tag).await?.map(|info| (subject, info)));
                            }
                        }
                    }
                    None => {}
                }
            }
        }
        if waiting.is_empty() {
            return Ok(true);
        }
        observer.event(&Event::Weighing { bytes: Bytes::ZERO });
        let images: BTreeMap<String, ImageInfo> =
            waiting.iter().map(|(subject, info)| (subject.tag.clone(), info.clone())).collect();
        let weigher = self.weigher.take().unwrap_or_else(|| Weigher::new(image::Options::default()));
        let begun = Instant::now();
        let outcome = tokio::select! {
            outcome = weigh_on_engine(self.engine, &images, self.options.via, weigher) => outcome,
            () = cancel.cancelled() => return Ok(false),
        };
        self.spent.exports_ns = self.spent.exports_ns + Nanos::from(begun.elapsed());
        let mut readings = match outcome {
            Ok((readings, weigher)) => {
                self.weigher = Some(weigher);
                readings
            }
            Err(WeighError::Engine(error)) => return Err(error.into()),
            Err(error) => {
                for (subject, _) in &waiting {
                    self.fail(&subject.variant.name, "export", &error.to_string())?;
                }
                return Ok(true);
            }
        };
        for (subject, info) in &waiting {
            let name = &subject.variant.name;
            let reading = match readings.remove(&subject.tag) {
                Some(Ok(reading)) => reading,
                Some(Err(reason)) => {
                    self.fail(name, "export", &chain(&reason))?;
                    continue;
                }
                None => continue,
            };
            if let Some(reason @ NotInPlace::Store(StoreError::Layer { .. } | StoreError::Unexpected { .. })) =
                &reading.reason
            {
                observer.event(&Event::Warning(&format!("`{name}` was exported to weigh it: {}", chain(reason))));
            }
            let Some(scan) = reading.scans.first() else {
                self.fail(name, "export", "the engine's archive does not hold the image")?;
                continue;
            };
            let Some(entry) = self.entry(name) else { continue };
            let base = entry.bases.last().cloned();
            let diff_ids = base.as_ref().map(|base| base.diff_ids.clone()).unwrap_or_default();
            let report = ReportOptions { base_diff_ids: &diff_ids, site_layers: entry.site_layers as usize, top: TOP };
            let weight = image::weigh(scan, &report);
            let size = weight.sizes.size_bytes;
            let reference = reference(subject.variant, &entry.bases, Some(size));
            self.update(name, |entry| {
                apply_weight(entry, weight, info, &reading);
                entry.reference = reference;
                entry.outcome = Outcome::Ok;
            })?;
            observer.event(&Event::Weighed { variant: name, size });
        }
        self.share()?;
        if self.options.serve {
            let begun = Instant::now();
            for (subject, info) in &waiting {
                if !self.serve_one(subject, &info.user, cancel, observer).await? {
                    return Ok(false);
                }
            }
            self.spent.serves_ns = self.spent.serves_ns + Nanos::from(begun.elapsed());
        }
        Ok(true)
    }

    async fn serve_one(
        &mut self,
        subject: &Subject<'_>,
        user: &str,
        cancel: &Cancel,
        observer: &mut dyn Observer,
    ) -> Result<bool, MeasureError> {
        let Some(how) = &subject.variant.serve else { return Ok(true) };
        let question = Question {
            spec: ContainerSpec {
                image: subject.tag.clone(),
                command: how.command.clone(),
                labels: BTreeMap::from([(labels::RUN.to_owned(), self.common.run.clone())]),
                port: how.port,
                publish: false,
                env: how.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
                memory_bytes: how.memory.map_or(0, |bytes| bytes.0),
                platform: self.common.platform.clone().or_else(|| subject.variant.platform.clone()),
            },
            path: how.path.clone(),
            expect: how.expect.clone(),
            timeout: how.timeout,
            starts: how.starts,
        };
        let name = &subject.variant.name;
        match serve(self.engine, name, user, &question, cancel, observer).await? {
            None => Ok(false),
            Some(served) => {
                self.update(name, |entry| {
                    if !served.ok {
                        entry.outcome = Outcome::ServeFailed;
                        entry.failure = Some(Failure {
                            stage: "serve".into(),
                            scenario: String::new(),
                            instruction: String::new(),
                            message: served.detail.clone(),
                            log: served.log.clone(),
                        });
                    }
                    entry.serve = Some(served);
                })?;
                Ok(true)
            }
        }
    }

    /// Bytes shared between variants: known only when all are weighed, so written again each time one is.
    fn share(&mut self) -> Result<(), MeasureError> {
        let unique = analyse::unique_bytes(&self.record.variants);
        let names: Vec<String> = self.record.variants.iter().map(|variant| variant.name.clone()).collect();
        for (name, unique) in names.iter().zip(unique) {
            self.update(name, |entry| {
                if let Some(sizes) = &mut entry.sizes {
                    sizes.share_out(unique);
                }
            })?;
        }
        Ok(())
    }
}

fn apply_weight(entry: &mut Variant, weight: image::Weight, info: &ImageInfo, reading: &Reading) {
    let part = |origin| -> Bytes {
        weight.layers.iter().filter(|layer| layer.origin == origin).map(|layer| layer.size_bytes).sum()
    };
    let (base, site) = (part(LayerOrigin::Base), part(LayerOrigin::Site));
    if let Some(last) = entry.bases.last_mut() {
        last.size_bytes = base;
        last.site_bytes = site;
    }
    entry.image_id.clone_from(&info.id);
    entry.config_digest = weight.config_digest;
    entry.platform = weight.platform;
    entry.user.clone_from(&info.user);
    let mut sizes = weight.sizes;
    sizes.engine_size_bytes = Some(Bytes(info.engine_size_bytes));
    entry.sizes = Some(sizes);
    entry.layers = weight.layers;
    entry.packages = weight.packages;
    entry.remainder = weight.remainder;
    entry.reclaimable = weight.reclaimable;
    entry.duplicates = weight.duplicates;
    entry.paths = weight.paths;
    entry.tree = weight.tree;
    entry.findings = weight.findings;
    entry.via = Some(reading.via);
    entry.via_reason = reading.reason.as_ref().map(|reason| chain(reason)).unwrap_or_default();
}
