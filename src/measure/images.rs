//! What a run does with the images that it built: it weighs them, and starts them.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use super::cancel::Halt;
use super::diary::failure;
use super::error::MeasureError;
use super::event::{Event, Observer as _};
use super::run::Run;
use super::serve::{Question, Route, serve, verify};
use super::subject::Subject;
use crate::analyse;
use crate::engine::{ContainerSpec, EngineError, ImageBuilder, ImageHost, ImageInfo, labels};
use crate::error::chain;
use crate::image::{
    self, LayerCache, NotInPlace, Reading, Readings, ReportOptions, StoreError, WeighError, Weigher, weigh_on_engine,
};
use crate::record::{FailureStage, LayerOrigin, Outcome, ServeLimits, ServeState, Variant, VariantFailure};
use crate::suite::{self, SuiteVariant};
use crate::text;
use crate::units::{Bytes, Nanos};

/// How many entries of each bounded list a record keeps for a variant.
const TOP: usize = 200;

/// What becomes of a variant whose image cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is tried again later, and its builds go on.
    Waits,
    /// It has failed: no more is built of it.
    Fails,
}

/// A variant and its image.
type Built<'b> = (&'b Subject<'b>, ImageInfo);

impl<E: ImageBuilder + ImageHost> Run<'_, E> {
    /// Weighs and serves the variants that have an image and no sizes yet.
    pub(super) async fn weigh_and_serve(
        &mut self,
        subjects: &[Option<Subject<'_>>],
        unread: Unread,
    ) -> Result<(), Halt> {
        let waiting = self.waiting(subjects).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        self.observer.event(&Event::Weighing { bytes: Bytes::ZERO });
        let begun = Instant::now();
        let read = self.read(&waiting, unread).await;
        self.diary.spent.exports_ns += Nanos::from(begun.elapsed());
        let mut readings = read?;
        for (subject, info) in &waiting {
            // Why there is none is known already.
            if let Some(reading) = readings.remove(&subject.tag) {
                self.weigh(subject, info, reading, unread)?;
            }
        }
        self.share()?;
        self.observer.event(&Event::Sizes(&self.diary.record));
        if self.options.serve {
            let begun = Instant::now();
            self.serve_all(&waiting).await?;
            self.diary.spent.serves_ns += Nanos::from(begun.elapsed());
        }
        Ok(())
    }

    /// The variants that are still to be weighed or served, with their images.
    async fn waiting<'s>(&mut self, subjects: &'s [Option<Subject<'_>>]) -> Result<Vec<Built<'s>>, Halt> {
        let mut waiting = Vec::new();
        for subject in subjects.iter().flatten() {
            let variant = subject.variant;
            let is_checked = self.options.serve && variant.side.is_head();
            // One that was weighed and not served: the run was killed between, or that line of its journal is damaged.
            let open = |entry: &Variant| {
                let to_serve = variant.serve.is_some() && entry.serve.is_none();
                let to_verify = variant.verify.is_some() && entry.verified.is_none() && !self.engine.only_builds();
                let failed = entry.outcome == Outcome::ServeFailed;
                entry.sizes.is_none() || (is_checked && (to_serve || (to_verify && !failed)))
            };
            let entry = self.diary.entry(subject.variant);
            if !entry.is_some_and(|entry| open(entry) && entry.outcome != Outcome::BuildFailed) {
                continue;
            }
            let mut image = self.engine.image(&subject.tag).await?;
            // A resumed run whose builds were all done before: the image has to be made again.
            if image.is_none() && self.diary.record.samples.iter().any(|sample| subject.made(sample)) {
                match self.prime(subject).await? {
                    Ok(_) => image = self.engine.image(&subject.tag).await?,
                    Err(failed) => {
                        self.diary.fail(subject.variant, failure(FailureStage::Build, failed.message))?;
                    }
                }
            }
            waiting.extend(image.map(|info| (subject, info)));
        }
        Ok(waiting)
    }

    /// Weighs an image that was read, or could not be.
    fn weigh(
        &mut self,
        subject: &Subject<'_>,
        info: &ImageInfo,
        reading: Result<Reading, NotInPlace>,
        unread: Unread,
    ) -> Result<(), MeasureError> {
        let variant = subject.variant;
        let name = &variant.side.label(&variant.name);
        let reading = match reading {
            Ok(reading) => reading,
            Err(reason) => return self.not_read(variant, chain(&reason), unread),
        };
        if let Some(reason @ NotInPlace::Store(StoreError::Layer { .. } | StoreError::Unexpected { .. })) =
            &reading.reason
        {
            let warning = format!("`{name}` was exported to weigh it: {}", chain(reason));
            self.observer.event(&Event::Warning(&warning));
        }
        let Some(scan) = reading.scans.first() else {
            let message = "the engine's archive does not hold the image";
            return self.diary.fail(variant, failure(FailureStage::Export, message));
        };
        let Some(entry) = self.diary.entry(variant) else { return Ok(()) };
        let diff_ids = entry.bases.last().map(|base| base.diff_ids.as_slice()).unwrap_or_default();
        let report = ReportOptions { base_diff_ids: diff_ids, site_layers: entry.site_layers as usize, top: TOP };
        let weight = image::weigh(scan, &report);
        self.diary.update(variant, |entry| {
            let words = scan.config.entrypoint.iter().take(TOP);
            entry.entrypoint = words.map(|word| text::without_url_credentials(word).into_owned()).collect();
            apply_weight(entry, weight, info, &reading);
            entry.outcome = Outcome::Ok;
        })?;
        Ok(())
    }

    /// Reads the images, what must be exported in one request, since layers that they share come once; where that
    /// fails, one by one, so that only those fail that cannot be had.
    async fn read(&mut self, waiting: &[Built<'_>], unread: Unread) -> Result<Readings, Halt> {
        if waiting.len() > 1
            && let Ok(readings) = self.read_some(waiting).await?
        {
            return Ok(readings);
        }
        let mut found = Readings::new();
        for built in waiting.chunks(1) {
            match self.read_some(built).await? {
                Ok(readings) => found.extend(readings),
                Err(reason) => self.not_read(built[0].0.variant, reason, unread)?,
            }
        }
        Ok(found)
    }

    /// Says that an image could not be read.
    fn not_read(&mut self, variant: &SuiteVariant, reason: String, unread: Unread) -> Result<(), MeasureError> {
        match unread {
            Unread::Fails => self.diary.fail(variant, failure(FailureStage::Export, reason)),
            Unread::Waits => {
                let name = variant.side.label(&variant.name);
                let warning =
                    format!("`{name}` could not be weighed and is tried again after the first round: {reason}");
                self.observer.event(&Event::Warning(&warning));
                Ok(())
            }
        }
    }

    /// Reads some images; the inner error is a fact about them.
    async fn read_some(&mut self, images: &[Built<'_>]) -> Result<Result<Readings, String>, Halt> {
        self.read_images(images.iter().map(|(subject, info)| (subject.tag.clone(), info.clone())).collect()).await
    }

    /// The same for images by their references.
    pub(super) async fn read_images(
        &mut self,
        images: BTreeMap<String, ImageInfo>,
    ) -> Result<Result<Readings, String>, Halt> {
        let mut weigher = self.weigher.take().unwrap_or_else(|| Weigher::new(image::Options::default()));
        // Layers of bases are those that another run reads again.
        let bases = self.diary.record.variants.iter().filter_map(|variant| variant.bases.last());
        let bases = bases.flat_map(|base| base.diff_ids.iter().cloned()).collect();
        weigher.keep_layers(Arc::new(LayerCache::in_state(&self.options.state)), Some(bases));
        let read = weigh_on_engine(self.engine, &images, self.options.via, weigher);
        let outcome = self.cancel.run_until_cancelled(pin!(read)).await?;
        match outcome {
            Ok((readings, weigher)) => {
                self.weigher = Some(weigher);
                Ok(Ok(readings))
            }
            Err(WeighError::Engine(error)) if error.is_lost() => Err(error.into()),
            Err(error) => Ok(Err(chain(&error))),
        }
    }

    /// Serves each of them, on a network without a way out where the engine can be reached there. The network is there
    /// for no longer than that; a kill leaves it labelled.
    async fn serve_all(&mut self, waiting: &[Built<'_>]) -> Result<(), Halt> {
        let is_checked = |variant: &SuiteVariant| variant.serve.is_some() || variant.verify.is_some();
        if !waiting.iter().any(|(subject, _)| is_checked(subject.variant)) {
            return Ok(());
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
                Err(error) => self.observer.event(&Event::Warning(&format!(
                    "the images are started on the engine's default network: {error}"
                ))),
            }
        }
        let mut routes: Vec<Route> = isolated.iter().cloned().map(Route::Isolated).collect();
        if addressed {
            routes.push(Route::Address(None));
        }
        routes.push(Route::Published(None));
        let mut served = Ok(());
        for (subject, info) in waiting {
            // Only the head is checked for startup.
            if !self.diary.has_failed(subject.variant) && subject.variant.side.is_head() {
                served = self.serve_one(subject, &info.user, &mut routes).await;
                // The reason why it does not start is the one to keep.
                let works = self.diary.entry(subject.variant).is_some_and(|entry| entry.outcome == Outcome::Ok);
                if served.is_ok() && works {
                    served = self.verify_one(subject, isolated.as_deref()).await;
                }
            }
            if served.is_err() {
                break;
            }
        }
        if let (Some(name), Ok(()) | Err(Halt::Interrupted)) = (isolated, &served) {
            self.engine.remove_network(&name).await?;
        }
        served
    }

    async fn serve_one(&mut self, subject: &Subject<'_>, user: &str, routes: &mut Vec<Route>) -> Result<(), Halt> {
        let variant = subject.variant;
        let Some(how) = &variant.serve else { return Ok(()) };
        let question = Question {
            spec: ContainerSpec { command: how.command.clone(), port: how.port, ..self.container(subject) },
            path: how.path.clone(),
            expect: how.expect.clone(),
            more: how.requests.iter().map(|request| (request.path.clone(), request.expect.clone())).collect(),
            timeout: how.timeout,
            starts: how.starts,
        };
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
        let served =
            serve(self.engine, &variant.name, user, &question, routes, self.cancel, &mut self.observer).await?;
        self.diary.update(variant, |entry| {
            if served.state == ServeState::Failed {
                let failed = failure(FailureStage::Serve, served.detail.clone());
                entry.outcome = Outcome::ServeFailed;
                entry.failure = Some(VariantFailure { log: served.log.clone(), ..failed });
            }
            entry.serve = Some(served);
        })?;
        Ok(())
    }

    /// Runs the command that checks an image, where the suite has one.
    async fn verify_one(&mut self, subject: &Subject<'_>, network: Option<&str>) -> Result<(), Halt> {
        let variant = subject.variant;
        let Some(how) = variant.verify.as_ref().filter(|_| !self.engine.only_builds()) else { return Ok(()) };
        let named = variant.serve.as_ref().and_then(|serve| serve.network.clone());
        let spec = ContainerSpec {
            command: how.command.clone(),
            bare: true,
            network: named.or_else(|| network.map(str::to_owned)),
            ..self.container(subject)
        };
        let verified = verify(self.engine, &spec, how.timeout, self.cancel).await?;
        self.diary.update(variant, |entry| {
            if !verified.ok {
                let failed = failure(FailureStage::Verify, verified.reason.clone());
                entry.outcome = Outcome::ServeFailed;
                entry.failure = Some(VariantFailure { log: verified.log.clone(), ..failed });
            }
            entry.verified = Some(verified);
        })?;
        Ok(())
    }

    /// A container of an image, with the environment and within the limits that the suite gives it.
    fn container(&self, subject: &Subject<'_>) -> ContainerSpec {
        let serve = subject.variant.serve.as_ref();
        let env = serve.into_iter().flat_map(|serve| &serve.env);
        let default = || ServeLimits { memory_bytes: suite::DEFAULT_MEMORY, ..ServeLimits::default() };
        ContainerSpec {
            image: subject.tag.clone(),
            labels: BTreeMap::from([(labels::RUN.to_owned(), self.common.run.clone())]),
            env: env.map(|(name, value)| format!("{name}={value}")).collect(),
            limits: serve.map_or_else(default, |serve| serve.limits.clone()),
            platform: self.common.platform(subject.variant),
            ..ContainerSpec::default()
        }
    }

    /// Bytes shared between variants: known only when all are weighed, so written again each time one is.
    fn share(&mut self) -> Result<(), MeasureError> {
        let unique = analyse::unique_bytes(&self.diary.record.variants);
        for (index, unique) in unique.into_iter().enumerate() {
            self.diary.update_at(index, |entry| {
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
    // A builder alone has no size of its own.
    let engine_size_bytes = Some(Bytes(info.engine_size_bytes)).filter(|size| *size > Bytes::ZERO);
    image::put_weight(entry, weight, engine_size_bytes);
    entry.image_id.clone_from(&info.id);
    entry.user.clone_from(&info.user);
    entry.via = Some(reading.via);
    entry.via_reason = reading.reason.as_ref().map(|reason| chain(reason)).unwrap_or_default();
}
