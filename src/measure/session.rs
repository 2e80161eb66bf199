//! A run from its first base image to its last clean-up.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::base::{Bases, Prepared, Site};
use super::begin::{base_set, begin_record, chosen, same_run};
use super::build::{Common, Subject};
use super::cancel::Cancel;
use super::error::MeasureError;
use super::event::{Event, Observer};
use super::host;
use super::journal::{Journal, Line};
use super::ledger::Ledger;
use super::options::RunOptions;
use super::way::{Way, store_in_place};
use crate::engine::{BuildFailure, Engine, EngineError, Ownership};
use crate::exit::Exit;
use crate::image::{self, Weigher};
use crate::record::{
    self, Builder, Ended, Failure, Finding, Outcome as VariantOutcome, Record, Sample, Scenario, Spent, Variant,
};
use crate::suite::{self, Step, Suite};
use crate::units::{Bytes, Nanos};

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was measured; it is on disk.
    pub record: Record,
    /// The exit code that it stands for.
    pub exit: Exit,
    /// What made the engine unusable, where something did.
    pub lost: Option<EngineError>,
}

/// Why the steps of a run stopped.
enum Stop {
    Complete,
    OutOfTime,
    Interrupted,
    Lost(EngineError),
}

/// Runs a suite on an engine and leaves the record in `options.out`.
///
/// A variant that fails is recorded and the others go on; an engine that goes away ends the run with what was
/// measured so far on disk.
pub async fn run<E: Engine>(
    suite: &Suite,
    engine: &E,
    options: &RunOptions,
    cancel: &Cancel,
    observer: &mut dyn Observer,
) -> Result<Outcome, MeasureError> {
    let begun = Instant::now();
    let variants = chosen(suite, &options.only)?;
    let set = base_set(suite, &options.bases)?;
    if options.via == Way::Store {
        // Said before anything is built.
        store_in_place(engine.facts(), engine.is_local())?;
    }
    let mut session = Session::begin(suite, &variants, engine, options).await?;
    let stop = match session.steps(&variants, &set, cancel, begun, observer).await {
        Ok(stop) => stop,
        Err(MeasureError::Engine(error)) if error.is_lost() => Stop::Lost(error),
        Err(error) => {
            session.clean(observer).await;
            return Err(error);
        }
    };
    session.finish(stop, begun, observer).await
}

/// A run that is going on.
pub(super) struct Session<'a, E> {
    pub(super) suite: &'a Suite,
    pub(super) engine: &'a E,
    pub(super) options: &'a RunOptions,
    pub(super) record: Record,
    pub(super) journal: Journal,
    pub(super) ledger: Ledger,
    pub(super) weigher: Option<Weigher>,
    pub(super) common: Common,
    pub(super) site: Site,
    pub(super) spent: Spent,
}

impl<'a, E: Engine> Session<'a, E> {
    async fn begin(
        suite: &'a Suite,
        variants: &[&suite::Variant],
        engine: &'a E,
        options: &'a RunOptions,
    ) -> Result<Self, MeasureError> {
        let fresh = begin_record(suite, variants, engine, options).await?;
        let (journal, run, record) = if options.resume {
            let (journal, replayed) = Journal::resume(&options.out)?;
            same_run(&options.out, &replayed.record, &fresh)?;
            (journal, replayed.run, replayed.record)
        } else {
            (Journal::begin(&options.out, &options.run, &fresh)?, options.run.clone(), fresh)
        };
        let before = engine.snapshot().await?;
        let ownership = Ownership { run: run.clone(), before, ..Ownership::default() };
        let ledger = Ledger::open(&options.state, engine.endpoint(), ownership)?;
        let mut ca_files = suite.build.ca_files.clone();
        ca_files.extend(options.ca_files.iter().cloned());
        let mut env = suite.build.site_env.clone();
        env.extend(options.site_env.clone());
        Ok(Self {
            suite,
            engine,
            options,
            record,
            journal,
            ledger,
            weigher: Some(Weigher::new(image::Options::default())),
            common: Common {
                run,
                builder: engine.facts().builder,
                build_args: options.build_args.clone(),
                network: options.network.clone(),
                platform: options.platform.clone(),
                deadline: suite.build.deadline,
            },
            site: Site { ca_files, env },
            spent: Spent::default(),
        })
    }

    async fn steps(
        &mut self,
        variants: &[&suite::Variant],
        set: &BTreeMap<String, String>,
        cancel: &Cancel,
        begun: Instant,
        observer: &mut dyn Observer,
    ) -> Result<Stop, MeasureError> {
        let Some(subjects) = self.prepare(variants, set, cancel, observer).await? else {
            return Ok(Stop::Interrupted);
        };
        let steps: Vec<Step> = suite::plan(variants.len(), &self.options.plan)
            .into_iter()
            .filter(|step| subjects[step.variant].as_ref().is_some_and(|subject| subject.supports(step.scenario)))
            .collect();
        let builds = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let finished = |record: &Record, index: u32| record.samples.iter().any(|s| s.step == index && !is_lost(s));
        let done = steps.iter().filter(|step| finished(&self.record, step.index)).count();
        observer.event(&Event::Planned { builds, done: u32::try_from(done).unwrap_or(u32::MAX) });
        let mut previous: Vec<Option<String>> = vec![None; variants.len()];
        for (position, step) in steps.iter().enumerate() {
            let Some(subject) = &subjects[step.variant] else { continue };
            if finished(&self.record, step.index) || self.has_failed(&subject.variant.name) {
                continue;
            }
            if cancel.is_cancelled() {
                return Ok(Stop::Interrupted);
            }
            if self.options.max_time.is_some_and(|limit| begun.elapsed() > limit) {
                break;
            }
            if step.scenario != Scenario::Cold && previous[step.variant].is_none() {
                // The first build of a turn that does not begin cold, or of a resumed one: it makes the cache
                // what the scenario takes for granted, and is not measured.
                match self.prime(subject, cancel).await? {
                    Primed::Image(id) => previous[step.variant] = Some(id),
                    Primed::Failed(failure) => {
                        self.build_failed(subject, step, failure, observer)?;
                        continue;
                    }
                    Primed::Interrupted => return Ok(Stop::Interrupted),
                }
            }
            observer.event(&Event::BuildStarted {
                position: u32::try_from(position + 1).unwrap_or(u32::MAX),
                builds,
                variant: &subject.variant.name,
                scenario: step.scenario,
                round: step.round,
                discarded: step.discarded,
            });
            let fresh = format!("{} {}", self.common.run, step.index);
            let request = subject.request(step.scenario, &fresh, &self.common)?;
            for tag in &request.tags {
                self.ledger.tag(tag)?;
            }
            self.ledger.opened()?;
            let started_at = now_utc();
            let mut pass_on = |event| observer.event(&Event::Build(&event));
            let built = tokio::select! {
                built = self.engine.build(&request, &mut pass_on) => built,
                () = cancel.cancelled() => return Ok(Stop::Interrupted),
            };
            if let Ok(ended) = &built {
                self.ledger.closed(ended)?;
            }
            match built {
                Ok(Ok(output)) => {
                    let sample = subject.sample(step, previous[step.variant].as_deref(), output, started_at);
                    if !matches!(step.scenario, Scenario::Src | Scenario::Deps) {
                        previous[step.variant] = Some(sample.image_id.clone());
                    }
                    self.keep(sample, observer)?;
                }
                Ok(Err(failure)) => self.build_failed(subject, step, failure, observer)?,
                Err(error) => {
                    let failure = BuildFailure {
                        message: error.to_string(),
                        instruction: String::new(),
                        log: Vec::new(),
                        wall_ns: Nanos(0),
                        intermediate: Vec::new(),
                    };
                    let mut sample = subject.failed_sample(step, &failure, started_at);
                    sample.reason = format!("{LOST}{error}");
                    self.keep(sample, observer)?;
                    return Err(error.into());
                }
            }
            let turn_ends = steps.get(position + 1).is_none_or(|next| next.round != step.round);
            if turn_ends && !self.weigh_and_serve(&subjects, cancel, observer).await? {
                return Ok(Stop::Interrupted);
            }
        }
        if !self.weigh_and_serve(&subjects, cancel, observer).await? {
            return Ok(Stop::Interrupted);
        }
        let all = steps.iter().all(|step| {
            finished(&self.record, step.index)
                || subjects[step.variant].as_ref().is_none_or(|subject| self.has_failed(&subject.variant.name))
        });
        Ok(if all { Stop::Complete } else { Stop::OutOfTime })
    }

    /// Makes the bases present and packs the contexts. A variant whose base is missing has no subject.
    async fn prepare<'v>(
        &mut self,
        variants: &[&'v suite::Variant],
        set: &BTreeMap<String, String>,
        cancel: &Cancel,
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<Option<Subject<'v>>>>, MeasureError> {
        let run = self.common.run.clone();
        let site = self.site.clone();
        let mut bases = Bases::new(self.engine, &run, &site, set, self.options.pull_deadline);
        let mut subjects = Vec::new();
        for variant in variants {
            let mut replaced = BTreeMap::new();
            let mut found = Vec::new();
            let mut site_layers = 0;
            let mut missing = None;
            let platform = self.common.platform.clone().or_else(|| variant.platform.clone());
            let mut build_args = variant.build_args.clone();
            build_args.extend(self.common.build_args.clone());
            let mut known = build_args.clone();
            if let Some(platform) = &platform {
                known.extend(suite::dockerfile::platform_args(platform));
            }
            let target = variant.target.as_deref();
            // The classic builder builds stages that nothing needs, too.
            let references = if self.common.builder == Builder::Classic {
                variant.facts.all_external_bases(&known, target)
            } else {
                variant.facts.external_bases(&known, target)
            };
            // A Dockerfile that cannot be read here is for the builder to refuse.
            let references = references.unwrap_or_default();
            for reference in references {
                let mut pulls = Vec::new();
                let prepared = tokio::select! {
                    prepared = bases.prepare(&reference, platform.as_deref(), &mut self.ledger, &mut pulls, observer) => prepared?,
                    () = cancel.cancelled() => return Ok(None),
                };
                for pull in pulls {
                    self.journal.append(&Line::Pull(pull.clone()))?;
                    self.record.pulls.push(pull);
                }
                found.push(prepared.base().clone());
                match prepared {
                    Prepared::Ready { from, site_layers: layers, .. } => {
                        site_layers = layers;
                        if from != reference {
                            replaced.insert(reference, from);
                        }
                    }
                    Prepared::Missing { reason, .. } => missing = Some((reference, reason)),
                }
            }
            let name = variant.name.clone();
            self.update(&name, |entry| {
                entry.bases = found;
                entry.site_layers = u32::try_from(site_layers).unwrap_or(0);
            })?;
            if let Some((reference, reason)) = missing {
                let message = format!("base `{reference}` is not to be had: {reason}");
                observer.event(&Event::BuildFailed { variant: &name, scenario: Scenario::Cold, message: &message });
                self.update(&name, |entry| {
                    entry.outcome = VariantOutcome::BuildFailed;
                    entry.failure = Some(Failure {
                        stage: "pull".into(),
                        scenario: String::new(),
                        instruction: format!("FROM {reference}"),
                        message,
                        log: Vec::new(),
                    });
                })?;
                subjects.push(None);
                continue;
            }
            subjects.push(Some(self.subject(variant, &replaced, &build_args)?));
        }
        Ok(Some(subjects))
    }

    fn subject<'v>(
        &self,
        variant: &'v suite::Variant,
        replaced: &BTreeMap<String, String>,
        build_args: &BTreeMap<String, String>,
    ) -> Result<Subject<'v>, MeasureError> {
        let mut context = self.suite.context(variant, self.common.builder)?;
        if !replaced.is_empty() {
            context.with_dockerfile(&suite::dockerfile::rewrite_bases(&variant.dockerfile_text, replaced, build_args));
        }
        let copies = |file: Option<&Path>| {
            let fact = file.and_then(|file| variant.facts.copies_for(file, build_args, variant.target.as_deref()));
            fact.map(|fact| fact.text.clone()).into_iter().collect()
        };
        let tag = suite::tag_name(&variant.name);
        Ok(Subject {
            variant,
            context,
            tag: format!("tonnage-run:{}-{tag}", self.common.run),
            edited_tag: format!("tonnage-run:{}-{tag}-edited", self.common.run),
            src_copies: copies(variant.src.as_deref()),
            deps_copies: copies(variant.deps.as_deref()),
        })
    }

    /// Builds what the cache must hold before a scenario that takes it for granted.
    pub(super) async fn prime(&mut self, subject: &Subject<'_>, cancel: &Cancel) -> Result<Primed, MeasureError> {
        let request = subject.request(Scenario::Warm, "", &self.common)?;
        for tag in &request.tags {
            self.ledger.tag(tag)?;
        }
        self.ledger.opened()?;
        let begun = Instant::now();
        let mut unheard = |_| {};
        let built = tokio::select! {
            built = self.engine.build(&request, &mut unheard) => built?,
            () = cancel.cancelled() => return Ok(Primed::Interrupted),
        };
        self.spent.other_builds_ns = self.spent.other_builds_ns + Nanos::from(begun.elapsed());
        self.ledger.closed(&built)?;
        Ok(match built {
            Ok(output) => Primed::Image(output.image_id),
            Err(failure) => Primed::Failed(failure),
        })
    }

    fn build_failed(
        &mut self,
        subject: &Subject<'_>,
        step: &Step,
        failure: BuildFailure,
        observer: &mut dyn Observer,
    ) -> Result<(), MeasureError> {
        let name = &subject.variant.name;
        observer.event(&Event::BuildFailed { variant: name, scenario: step.scenario, message: &failure.message });
        let sample = subject.failed_sample(step, &failure, now_utc());
        self.journal.append(&Line::Sample(Box::new(sample.clone())))?;
        self.record.samples.push(sample);
        self.update(name, |entry| {
            entry.outcome = VariantOutcome::BuildFailed;
            entry.failure = Some(Failure {
                stage: "build".into(),
                scenario: step.scenario.to_string(),
                instruction: failure.instruction,
                message: failure.message,
                log: failure.log,
            });
        })
    }

    fn keep(&mut self, sample: Sample, observer: &mut dyn Observer) -> Result<(), MeasureError> {
        self.journal.append(&Line::Sample(Box::new(sample.clone())))?;
        observer.event(&Event::BuildDone(&sample));
        self.record.samples.push(sample);
        Ok(())
    }

    pub(super) fn fail(&mut self, name: &str, stage: &str, message: &str) -> Result<(), MeasureError> {
        self.update(name, |entry| {
            entry.outcome = VariantOutcome::BuildFailed;
            entry.failure = Some(Failure {
                stage: stage.into(),
                scenario: String::new(),
                instruction: String::new(),
                message: message.to_owned(),
                log: Vec::new(),
            });
        })
    }

    pub(super) fn entry(&self, name: &str) -> Option<&Variant> {
        self.record.variants.iter().find(|variant| variant.name == name)
    }

    fn has_failed(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.outcome == VariantOutcome::BuildFailed)
    }

    /// Changes what is known of a variant, on disk first.
    pub(super) fn update(&mut self, name: &str, change: impl FnOnce(&mut Variant)) -> Result<(), MeasureError> {
        if let Some(entry) = self.record.variants.iter_mut().find(|variant| variant.name == name) {
            let mut changed = entry.clone();
            change(&mut changed);
            if changed != *entry {
                self.journal.append(&Line::Variant(Box::new(changed.clone())))?;
                *entry = changed;
            }
        }
        Ok(())
    }

    /// Removes what the run made; whether all of it is gone. What is in doubt is reported.
    async fn clean(&mut self, observer: &mut dyn Observer) -> bool {
        if self.options.keep {
            return false;
        }
        observer.event(&Event::Cleaning);
        match self.engine.clean(self.ledger.ownership()).await {
            Ok(report) => {
                observer.event(&Event::Cleaned(&report));
                for line in &report.left {
                    self.record.findings.push(Finding {
                        code: "left-on-engine".into(),
                        message: line.clone(),
                        instruction: String::new(),
                        size_bytes: Bytes::ZERO,
                        remedy: String::new(),
                    });
                }
                true
            }
            Err(error) => {
                observer.event(&Event::Warning(&format!(
                    "what the run made on the engine could not be removed: {error}; `tonnage clean` tries again"
                )));
                false
            }
        }
    }

    async fn finish(
        mut self,
        stop: Stop,
        begun: Instant,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, MeasureError> {
        let cleaning = Instant::now();
        let cleaned = match &stop {
            Stop::Lost(_) => false,
            _ => self.clean(observer).await,
        };
        self.spent.cleaning_ns = Nanos::from(cleaning.elapsed());
        let elapsed = Nanos::from(begun.elapsed());
        self.journal.append(&Line::Elapsed(elapsed, self.spent))?;
        self.record.elapsed_ns = self.record.elapsed_ns + elapsed;
        self.record.spent = self.record.spent + self.spent;
        self.record.environment.host.load_after = host::load_average();
        self.record.finished_at = now_utc();
        let failed = self
            .record
            .variants
            .iter()
            .any(|variant| matches!(variant.outcome, VariantOutcome::BuildFailed | VariantOutcome::ServeFailed));
        let (ended, exit, lost) = match stop {
            Stop::Complete => (Ended::Complete, if failed { Exit::VariantFailed } else { Exit::Done }, None),
            Stop::OutOfTime => (Ended::OutOfTime, if failed { Exit::VariantFailed } else { Exit::Done }, None),
            Stop::Interrupted => (Ended::Interrupted, Exit::Interrupted, None),
            Stop::Lost(error) => (Ended::EngineLost, Exit::NoEngine, Some(error)),
        };
        self.record.ended = ended;
        record::write(&self.options.out, &self.record)?;
        if ended == Ended::Complete {
            self.journal.finish()?;
        }
        if cleaned {
            self.ledger.forget()?;
        }
        Ok(Outcome { record: self.record, exit, lost })
    }
}

/// How a build that is not measured ended.
pub(super) enum Primed {
    Image(String),
    Failed(BuildFailure),
    Interrupted,
}

/// How the reason of a sample begins whose build the engine did not live to end.
const LOST: &str = "not finished: ";

/// Whether a sample is of a build that has to be done again on resume.
fn is_lost(sample: &Sample) -> bool {
    !sample.valid && sample.reason.starts_with(LOST)
}

fn now_utc() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
