//! What a run does with the images it built: weighs them and sees whether they serve.

use std::collections::BTreeMap;
use std::time::Instant;

use super::begin::reference;
use super::build::Subject;
use super::cancel::Cancel;
use super::error::MeasureError;
use super::event::{Event, Observer};
use super::serve::{Question, Route, serve};
use super::session::{Primed, Session};
use crate::analyse;
use crate::engine::{ContainerSpec, EngineError, ImageBuilder, ImageHost, ImageInfo, labels};
use crate::error::chain;
use crate::image::{
    self, NotInPlace, Reading, Readings, ReportOptions, StoreError, WeighError, Weigher, weigh_on_engine,
};
use crate::record::{Failure, FailureStage, LayerOrigin, Outcome, ServeState, Variant};
use crate::units::{Bytes, Nanos};

/// How many entries of each bounded list a record keeps for a variant.
const TOP: usize = 200;

impl<E: ImageBuilder + ImageHost> Session<'_, E> {
    /// Weighs and serves the variants that have an image and no sizes yet. `false` when asked to stop.
    pub(super) async fn weigh_and_serve(
        &mut self,
        subjects: &[Option<Subject<'_>>],
        cancel: &Cancel,
        observer: &mut dyn Observer,
    ) -> Result<bool, MeasureError> {
        let mut waiting = Vec::new();
        for subject in subjects.iter().flatten() {
            let to_serve = self.options.serve && subject.variant.serve.is_some() && subject.variant.side.is_head();
            // One that was weighed and not served: the run was killed between, or that line of its journal is damaged.
            let open = |entry: &Variant| entry.sizes.is_none() || (to_serve && entry.serve.is_none());
            let entry = self.entry(subject.variant);
            if entry.is_some_and(|entry| open(entry) && entry.outcome != Outcome::BuildFailed) {
                match self.engine.image(&subject.tag).await? {
                    Some(info) => waiting.push((subject, info)),
                    // A resumed run whose builds were all done before: the image has to be made again.
                    None if self.record.samples.iter().any(|sample| subject.made(sample)) => {
                        match self.prime(subject, cancel).await? {
                            Primed::Interrupted => return Ok(false),
                            Primed::Failed(failure) => {
                                self.fail(subject.variant, FailureStage::Build, &failure.message)?;
                            }
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
        let begun = Instant::now();
        let read = self.read(&waiting, cancel).await;
        self.spent.exports_ns = self.spent.exports_ns + Nanos::from(begun.elapsed());
        let Some(mut readings) = read? else { return Ok(false) };
        for (subject, info) in &waiting {
            let variant = subject.variant;
            let name = &variant.side.label(&variant.name);
            let reading = match readings.remove(&subject.tag) {
                Some(Ok(reading)) => reading,
                Some(Err(reason)) => {
                    self.fail(variant, FailureStage::Export, &chain(&reason))?;
                    continue;
                }
                // Why is known already.
                None => continue,
            };
            if let Some(reason @ NotInPlace::Store(StoreError::Layer { .. } | StoreError::Unexpected { .. })) =
                &reading.reason
            {
                observer.event(&Event::Warning(&format!("`{name}` was exported to weigh it: {}", chain(reason))));
            }
            let Some(scan) = reading.scans.first() else {
                self.fail(variant, FailureStage::Export, "the engine's archive does not hold the image")?;
                continue;
            };
            let Some(entry) = self.entry(variant) else { continue };
            let base = entry.bases.last().cloned();
            let diff_ids = base.as_ref().map(|base| base.diff_ids.clone()).unwrap_or_default();
            let report = ReportOptions { base_diff_ids: &diff_ids, site_layers: entry.site_layers as usize, top: TOP };
            let weight = image::weigh(scan, &report);
            let size = weight.sizes.size_bytes;
            let reference = reference(variant, &entry.bases, Some(size));
            self.update(variant, |entry| {
                apply_weight(entry, weight, info, &reading);
                entry.reference = reference;
                entry.outcome = Outcome::Ok;
            })?;
            observer.event(&Event::Weighed { variant: name, size });
        }
        self.share()?;
        if self.options.serve {
            let begun = Instant::now();
            let going_on = self.serve_all(&waiting, cancel, observer).await?;
            self.spent.serves_ns = self.spent.serves_ns + Nanos::from(begun.elapsed());
            return Ok(going_on);
        }
        Ok(true)
    }

    /// Reads the images, what must be exported in one request, since layers that they share come once; where that
    /// fails, one by one, so that only those fail that cannot be had. `None` when asked to stop.
    async fn read(
        &mut self,
        waiting: &[(&Subject<'_>, ImageInfo)],
        cancel: &Cancel,
    ) -> Result<Option<Readings>, MeasureError> {
        let all = waiting.iter().map(|(subject, info)| (subject.tag.clone(), info.clone())).collect();
        match self.read_some(&all, cancel).await? {
            Read::All(readings) => return Ok(Some(readings)),
            Read::Interrupted => return Ok(None),
            Read::Failed(reason) if waiting.len() == 1 => {
                self.fail(waiting[0].0.variant, FailureStage::Export, &reason)?;
                return Ok(Some(Readings::new()));
            }
            Read::Failed(_) => {}
        }
        let mut found = Readings::new();
        for (subject, info) in waiting {
            let one = BTreeMap::from([(subject.tag.clone(), info.clone())]);
            match self.read_some(&one, cancel).await? {
                Read::All(readings) => found.extend(readings),
                Read::Interrupted => return Ok(None),
                Read::Failed(reason) => self.fail(subject.variant, FailureStage::Export, &reason)?,
            }
        }
        Ok(Some(found))
    }

    async fn read_some(&mut self, images: &BTreeMap<String, ImageInfo>, cancel: &Cancel) -> Result<Read, MeasureError> {
        let weigher = self.weigher.take().unwrap_or_else(|| Weigher::new(image::Options::default()));
        let outcome = tokio::select! {
            outcome = weigh_on_engine(self.engine, images, self.options.via, weigher) => outcome,
            () = cancel.cancelled() => return Ok(Read::Interrupted),
        };
        match outcome {
            Ok((readings, weigher)) => {
                self.weigher = Some(weigher);
                Ok(Read::All(readings))
            }
            Err(WeighError::Engine(error)) if error.is_lost() => Err(error.into()),
            Err(error) => Ok(Read::Failed(chain(&error))),
        }
    }

    /// Serves each of them, on a network without a way out where the engine can be reached there. The network is there
    /// for no longer than that; a kill leaves it labelled.
    async fn serve_all(
        &mut self,
        waiting: &[(&Subject<'_>, ImageInfo)],
        cancel: &Cancel,
        observer: &mut dyn Observer,
    ) -> Result<bool, MeasureError> {
        if waiting.iter().all(|(subject, _)| subject.variant.serve.is_none()) {
            return Ok(true);
        }
        let mut isolated = None;
        let mut addressed = self.engine.is_local();
        if addressed {
            match self.engine.make_network(&self.common.run).await {
                Ok(name) => isolated = Some(name),
                Err(error) if error.is_lost() => return Err(error.into()),
                // Its bridges are not this host's: what has a container's address here is another container.
                Err(EngineError::Unsupported { .. }) if self.engine.facts().name == "docker" => addressed = false,
                // Not every engine has such networks, nor every host an address left for one.
                Err(error) => observer.event(&Event::Warning(&format!(
                    "the images are started on the engine's default network: {error}"
                ))),
            }
        }
        let mut routes: Vec<Route> = isolated.iter().cloned().map(Route::Isolated).collect();
        if addressed {
            routes.push(Route::Address(None));
        }
        routes.push(Route::Published(None));
        let mut going_on = true;
        for (subject, info) in waiting {
            // Whether the other state serves is nobody's question.
            if self.has_failed(subject.variant) || !subject.variant.side.is_head() {
                continue;
            }
            going_on = self.serve_one(subject, &info.user, &mut routes, cancel, observer).await?;
            if !going_on {
                break;
            }
        }
        if let Some(name) = isolated {
            self.engine.remove_network(&name).await?;
        }
        Ok(going_on)
    }

    async fn serve_one(
        &mut self,
        subject: &Subject<'_>,
        user: &str,
        routes: &mut Vec<Route>,
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
                network: None,
                env: how.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
                memory_bytes: how.memory.0,
                platform: self.common.platform.clone().or_else(|| subject.variant.platform.clone()),
            },
            path: how.path.clone(),
            expect: how.expect.clone(),
            timeout: how.timeout,
            starts: how.starts,
        };
        let name = &subject.variant.name;
        let mut named = Vec::new();
        let routes = match &how.network {
            None => routes,
            Some(network) => {
                if routes.iter().any(|route| !matches!(route, Route::Published(_))) {
                    named.push(Route::Address(Some(network.clone())));
                }
                named.push(Route::Published(Some(network.clone())));
                &mut named
            }
        };
        match serve(self.engine, name, user, &question, routes, cancel, observer).await? {
            None => Ok(false),
            Some(served) => {
                self.update(subject.variant, |entry| {
                    if served.state == ServeState::Failed {
                        entry.outcome = Outcome::ServeFailed;
                        entry.failure = Some(Failure {
                            stage: FailureStage::Serve,
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
        for (index, unique) in unique.into_iter().enumerate() {
            self.update_at(index, |entry| {
                if let Some(sizes) = &mut entry.sizes {
                    sizes.share_out(unique);
                }
            })?;
        }
        Ok(())
    }
}

/// What came of reading images.
enum Read {
    All(Readings),
    Failed(String),
    Interrupted,
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
