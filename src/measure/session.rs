//! A run from its first base image to its last clean-up.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use super::against::{self, Beside, Other};
use super::base::Site;
use super::begin::{begin_record, chosen, same_run};
use super::build::{Common, Purpose, Subject};
use super::cancel::Cancel;
use super::certificates;
use super::error::MeasureError;
use super::event::{Event, Observer};
use super::journal::{Journal, Line};
use super::ledger::{Ledger, clean_after};
use super::masked::{Masked, MaskedObserver};
use super::options::RunOptions;
use crate::engine::{BuildFailure, CleanReport, EngineError, ImageBuilder, ImageHost, Ownership, Removal, labels};
use crate::exit::Exit;
use crate::image::{self, Way, Weigher};
use crate::machine;
use crate::record::{
    self, Against, Builder, Ended, Failure, FailureStage, Finding, ImageStore, Outcome as VariantOutcome, Record,
    Sample, SampleState, Scenario, Spent, Variant,
};
use crate::suite::{self, Step, Suite};
use crate::units::{Bytes, Nanos};

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was measured; it is on disk.
    pub record: Record,
    /// What it was measured against, where that was asked for; on disk as well.
    pub against: Option<Against>,
    /// The exit code that it stands for.
    pub exit: Exit,
    /// What made the engine unusable, where something did.
    pub lost: Option<EngineError>,
}

/// Why the steps of a run stopped.
#[derive(Debug, PartialEq)]
enum Stop {
    Complete,
    OutOfTime,
    Interrupted,
    /// The engine is gone, or cannot go on: its disk is full.
    Engine(EngineError),
}

/// Runs a suite on an engine and leaves the record in `options.out`.
///
/// A variant that fails is recorded and the others go on; an engine that goes away or cannot go on ends the run with
/// what was measured so far on disk.
pub async fn run<E: ImageBuilder + ImageHost>(
    suite: &Suite,
    engine: &E,
    options: &RunOptions,
    cancel: &Cancel,
    observer: &mut dyn Observer,
) -> Result<Outcome, MeasureError> {
    run_beside(suite, None, engine, options, cancel, observer).await
}

/// As [`run`], with another state of the suite built and weighed in between, round by round, and what looks slower
/// built once more.
pub async fn run_against<E: ImageBuilder + ImageHost>(
    suite: &Suite,
    other: &Other<'_>,
    engine: &E,
    options: &RunOptions,
    cancel: &Cancel,
    observer: &mut dyn Observer,
) -> Result<Outcome, MeasureError> {
    run_beside(suite, Some(other), engine, options, cancel, observer).await
}

async fn run_beside<E: ImageBuilder + ImageHost>(
    suite: &Suite,
    other: Option<&Other<'_>>,
    engine: &E,
    options: &RunOptions,
    cancel: &Cancel,
    observer: &mut dyn Observer,
) -> Result<Outcome, MeasureError> {
    let begun = Instant::now();
    let variants = chosen(suite, &options.only)?;
    let set = suite.base_set(&options.bases)?;
    if options.via == Way::Store {
        // Said before anything is built.
        image::store_in_place(engine.facts(), engine.is_local())?;
    }
    let beside = other.map(|other| Beside::of(*other, suite, &variants, options)).transpose()?;
    let mut session = Session::begin(suite, &variants, beside.as_ref(), engine, options, begun).await?;
    let masked = Rc::clone(&session.masked);
    let observer = &mut MaskedObserver::new(&masked, observer);
    session.say_what_is_odd(observer)?;
    let stop = match session.steps(&variants, &set, cancel, begun, observer).await {
        Ok(stop) => stop,
        Err(MeasureError::Engine(error)) => Stop::Engine(error),
        Err(error) => {
            session.clean(observer).await;
            return Err(error);
        }
    };
    session.finish(stop, observer).await
}

/// A run that is going on.
pub(super) struct Session<'a, E> {
    pub(super) suite: &'a Suite,
    beside: Option<&'a Beside<'a>>,
    pub(super) engine: &'a E,
    pub(super) options: &'a RunOptions,
    pub(super) record: Record,
    pub(super) journal: Journal,
    pub(super) ledger: Ledger,
    pub(super) weigher: Option<Weigher>,
    pub(super) common: Common,
    pub(super) site: Site,
    /// Takes out of texts what must not be recorded.
    pub(super) masked: Rc<Masked>,
    /// What was spent since [`Self::accounted`].
    pub(super) spent: Spent,
    /// Up to when the wall time is in the record and on disk.
    accounted: Instant,
    /// Time of the pulls of this part of the run.
    pub(super) pulled: Nanos,
    /// Lines of the journal that were damaged when the run was resumed.
    damaged: usize,
}

impl<'a, E: ImageBuilder + ImageHost> Session<'a, E> {
    async fn begin(
        suite: &'a Suite,
        variants: &[&suite::Variant],
        beside: Option<&'a Beside<'a>>,
        engine: &'a E,
        options: &'a RunOptions,
        begun: Instant,
    ) -> Result<Self, MeasureError> {
        let mut all = variants.to_vec();
        all.extend(beside.iter().flat_map(|beside| &beside.variants));
        let certificates = certificates::bundle(&[&suite.build.ca_files[..], &options.ca_files].concat())?;
        let mut fresh = begin_record(suite, &all, engine, options).await?;
        let mark = beside.map(Beside::mark);
        let mut build_args = options.build_args.clone();
        let mut damaged = 0;
        let earlier = if options.resume {
            let (journal, replayed) = Journal::resume(&options.out)?;
            if let Some(begun) = replayed.options.as_ref().filter(|_| build_args.is_empty()) {
                build_args.clone_from(&begun.build_args);
                fresh.settings.build_arg_names = build_args.keys().cloned().collect();
            }
            Some((journal, replayed))
        } else {
            None
        };
        let mut masked = mask(&all, &build_args, suite, options);
        for proxy in engine.proxies().values() {
            masked.hide_credentials(proxy);
        }
        for variant in &mut fresh.variants {
            masked.variant(variant);
        }
        let (journal, run, record) = if let Some((journal, replayed)) = earlier {
            against::same_state(&options.out, replayed.against, mark)?;
            same_run(&options.out, &replayed.record, &fresh)?;
            let begun_with = replayed.options.as_ref().map(|begun| &begun.build_args);
            if begun_with.is_some_and(|begun_with| *begun_with != build_args) {
                let reason = "it was started with other build arguments".to_owned();
                return Err(MeasureError::CannotResume { dir: options.out.clone(), reason });
            }
            damaged = replayed.damaged;
            (journal, replayed.run, replayed.record)
        } else {
            (Journal::begin(options, &fresh, mark)?, options.run.clone(), fresh)
        };
        let before = engine.snapshot().await?;
        let ownership = Ownership { run: run.clone(), before: Some(before.clone()), ..Ownership::default() };
        let mut ledger = Ledger::open(&options.state, engine.endpoint(), ownership)?;
        // The next build will take the name from an image of a build that was cut short.
        for (_, id) in before.tags.iter().filter(|(tag, _)| labels::is_own_name(&run, tag)) {
            ledger.image(id)?;
        }
        let mut env = suite.build.site_env.clone();
        env.extend(options.site_env.clone());
        Ok(Self {
            suite,
            beside,
            engine,
            options,
            record,
            journal,
            ledger,
            weigher: Some(Weigher::new(image::Options::default())),
            common: Common {
                run,
                builder: engine.facts().builder,
                build_args,
                proxies: engine.proxies(),
                secrets: options.secrets.clone(),
                network: options.network.clone(),
                platform: options.platform.clone(),
                deadline: suite.build.deadline,
            },
            site: Site { certificates, env },
            masked: Rc::new(masked),
            spent: Spent::default(),
            accounted: begun,
            pulled: Nanos::ZERO,
            damaged,
        })
    }

    /// Says, and records once, what of the run does not go as it should from its beginning on.
    fn say_what_is_odd(&mut self, observer: &mut dyn Observer) -> Result<(), MeasureError> {
        if self.damaged > 0 {
            let message = match self.damaged {
                1 => "1 line of the journal is damaged: its step is done again".to_owned(),
                lines => format!("{lines} lines of the journal are damaged: their steps are done again"),
            };
            self.find("journal-damaged", message, observer)?;
        }
        let before = self.ledger.ownership().before.as_ref();
        if let Some(reason) = before.and_then(|before| before.cache_unlisted.clone()) {
            let message = format!(
                "the engine could not list its build cache before the run, so this run's records in it are not removed: \
                 {reason}"
            );
            self.find("build-cache-unlisted", message, observer)?;
        }
        Ok(())
    }

    /// Warns of something about the run as a whole, and records it unless an earlier part of the run has.
    fn find(&mut self, code: &str, message: String, observer: &mut dyn Observer) -> Result<(), MeasureError> {
        observer.event(&Event::Warning(&message));
        let finding = Finding {
            code: code.to_owned(),
            message,
            instruction: String::new(),
            size_bytes: Bytes::ZERO,
            remedy: String::new(),
        };
        if !self.record.findings.contains(&finding) {
            self.journal.append(&[Line::Finding(finding.clone())])?;
            self.record.findings.push(finding);
        }
        Ok(())
    }

    /// Puts the time since the last account into the record; the line that says so belongs on disk with it.
    fn account(&mut self) -> Line {
        let now = Instant::now();
        let elapsed = Nanos::from(now.duration_since(self.accounted));
        self.accounted = now;
        self.spent.journal_ns = self.journal.take_spent() + self.ledger.take_spent();
        let spent = std::mem::take(&mut self.spent);
        self.record.elapsed_ns = self.record.elapsed_ns + elapsed;
        self.record.spent = self.record.spent + spent;
        Line::Elapsed(elapsed, spent)
    }

    async fn steps(
        &mut self,
        variants: &[&suite::Variant],
        set: &BTreeMap<String, String>,
        cancel: &Cancel,
        begun: Instant,
        observer: &mut dyn Observer,
    ) -> Result<Stop, MeasureError> {
        let suite = self.suite;
        let Some(mut subjects) = self.prepare(suite, variants, set, cancel, observer).await? else {
            return Ok(Stop::Interrupted);
        };
        let Some(beside) = self.beside else {
            self.prepared(begun);
            let steps = suite::plan(variants.len(), &self.options.plan);
            return self.builds(&steps, &subjects, cancel, begun, observer).await;
        };
        let others: Vec<&suite::Variant> = beside.variants.iter().collect();
        match self.prepare(beside.other.suite, &others, &beside.set, cancel, observer).await? {
            Some(more) => {
                // A checkout has no hard links: both states are sent with those of ours.
                for mut subject in more {
                    if let Some(other) = &mut subject {
                        let name = &other.variant.name;
                        let ours = subjects.iter().flatten().find(|ours| ours.variant.name == *name);
                        if let Some(ours) = ours {
                            other.context.link_like(&ours.context);
                        }
                    }
                    subjects.push(subject);
                }
            }
            None => return Ok(Stop::Interrupted),
        }
        self.prepared(begun);
        let stop = self.builds(&beside.steps, &subjects, cancel, begun, observer).await?;
        if stop != Stop::Complete {
            return Ok(stop);
        }
        let again = beside.confirming(&self.record);
        if again.is_empty() {
            return Ok(stop);
        }
        observer.event(&Event::Confirming);
        self.builds(&again, &subjects, cancel, begun, observer).await
    }

    /// Notes what went into preparing besides pulls and builds of bases.
    fn prepared(&mut self, begun: Instant) {
        self.spent.preparing_ns = Nanos::from(begun.elapsed()).saturating_sub(self.spent.other_builds_ns + self.pulled);
    }

    /// Makes the builds of a plan, and weighs and serves what they make.
    async fn builds(
        &mut self,
        steps: &[Step],
        subjects: &[Option<Subject<'_>>],
        cancel: &Cancel,
        begun: Instant,
        observer: &mut dyn Observer,
    ) -> Result<Stop, MeasureError> {
        let supported =
            |step: &&Step| subjects[step.variant].as_ref().is_some_and(|subject| subject.supports(step.scenario));
        let steps: Vec<Step> = steps.iter().filter(supported).copied().collect();
        let builds = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let finished = |record: &Record, index: u32| record.samples.iter().any(|s| s.step == index && s.is_finished());
        let done = steps.iter().filter(|step| finished(&self.record, step.index)).count();
        observer.event(&Event::Planned { builds, done: u32::try_from(done).unwrap_or(u32::MAX) });
        let mut previous: Vec<Option<String>> = vec![None; subjects.len()];
        for (position, step) in steps.iter().enumerate() {
            let Some(subject) = &subjects[step.variant] else { continue };
            if self.beside.is_some() && begins_turn(&steps, position) {
                // What was built in between may have put other layers of the same instructions into the cache.
                previous[step.variant] = None;
            }
            if finished(&self.record, step.index) || self.has_failed(subject.variant) {
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
                variant: &subject.variant.side.label(&subject.variant.name),
                scenario: step.scenario,
                round: step.round,
                discarded: step.discarded,
                twin: step.twin,
            });
            let fresh = format!("{} {}", self.common.run, step.index);
            // What is going to be weighed keeps its files as they are: layers that variants share are the same.
            let to_weigh = !step.twin && self.entry(subject.variant).is_some_and(|entry| entry.sizes.is_none());
            let leaves = leaves_equal_layers(self.engine.facts());
            let age = if leaves && !to_weigh { u64::from(step.index) + 1 } else { 0 };
            let purpose = Purpose { scenario: step.scenario, fresh: &fresh, age, twin: step.twin };
            let request = subject.request(&purpose, &self.common)?;
            let started_at = now_utc();
            let mut pass_on = |event| observer.event(&Event::Build(&event));
            let built = tokio::select! {
                built = self.ledger.build(self.engine, &request, subject.instructions(), &mut pass_on) => built?,
                () = cancel.cancelled() => return Ok(Stop::Interrupted),
            };
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
                        wall_ns: Nanos::ZERO,
                        intermediate: Vec::new(),
                    };
                    let mut sample = subject.failed_sample(step, &failure, started_at);
                    sample.state = SampleState::Unfinished;
                    sample.reason = format!("not finished: {error}");
                    self.keep(sample, observer)?;
                    return Err(error.into());
                }
            }
            let turn_ends = steps.get(position + 1).is_none_or(|next| next.round != step.round);
            if turn_ends && !self.weigh_and_serve(subjects, cancel, observer).await? {
                return Ok(Stop::Interrupted);
            }
        }
        if !self.weigh_and_serve(subjects, cancel, observer).await? {
            return Ok(Stop::Interrupted);
        }
        let all = steps.iter().all(|step| {
            finished(&self.record, step.index)
                || subjects[step.variant].as_ref().is_none_or(|subject| self.has_failed(subject.variant))
        });
        Ok(if all { Stop::Complete } else { Stop::OutOfTime })
    }

    /// Builds what the cache must hold before a scenario that takes it for granted.
    pub(super) async fn prime(&mut self, subject: &Subject<'_>, cancel: &Cancel) -> Result<Primed, MeasureError> {
        let purpose = Purpose { scenario: Scenario::Warm, fresh: "", age: 0, twin: false };
        let request = subject.request(&purpose, &self.common)?;
        let begun = Instant::now();
        let mut unheard = |_| {};
        let built = tokio::select! {
            built = self.ledger.build(self.engine, &request, subject.instructions(), &mut unheard) => built??,
            () = cancel.cancelled() => return Ok(Primed::Interrupted),
        };
        self.spent.other_builds_ns = self.spent.other_builds_ns + Nanos::from(begun.elapsed());
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
        let variant = subject.variant;
        let name = &variant.side.label(&variant.name);
        observer.event(&Event::BuildFailed { variant: name, scenario: step.scenario, message: &failure.message });
        let mut sample = subject.failed_sample(step, &failure, now_utc());
        self.masked.sample(&mut sample);
        let elapsed = self.account();
        self.journal.append(&[Line::Sample(Box::new(sample.clone())), elapsed])?;
        self.record.samples.push(sample);
        self.update(variant, |entry| {
            entry.outcome = VariantOutcome::BuildFailed;
            entry.failure = Some(Failure {
                stage: FailureStage::Build,
                scenario: step.scenario.to_string(),
                instruction: failure.instruction,
                message: failure.message,
                log: failure.log,
            });
        })
    }

    fn keep(&mut self, mut sample: Sample, observer: &mut dyn Observer) -> Result<(), MeasureError> {
        self.masked.sample(&mut sample);
        let elapsed = self.account();
        self.journal.append(&[Line::Sample(Box::new(sample.clone())), elapsed])?;
        observer.event(&Event::BuildDone(&sample));
        self.record.samples.push(sample);
        Ok(())
    }

    pub(super) fn fail(
        &mut self,
        variant: &suite::Variant,
        stage: FailureStage,
        message: &str,
    ) -> Result<(), MeasureError> {
        self.update(variant, |entry| {
            entry.outcome = VariantOutcome::BuildFailed;
            entry.failure = Some(Failure {
                stage,
                scenario: String::new(),
                instruction: String::new(),
                message: message.to_owned(),
                log: Vec::new(),
            });
        })
    }

    pub(super) fn entry(&self, variant: &suite::Variant) -> Option<&Variant> {
        self.record.variants.iter().find(|entry| is_of(entry, variant))
    }

    pub(super) fn has_failed(&self, variant: &suite::Variant) -> bool {
        self.entry(variant).is_some_and(|entry| entry.outcome == VariantOutcome::BuildFailed)
    }

    /// Changes what is known of a variant, on disk first.
    pub(super) fn update(
        &mut self,
        variant: &suite::Variant,
        change: impl FnOnce(&mut Variant),
    ) -> Result<(), MeasureError> {
        match self.record.variants.iter().position(|entry| is_of(entry, variant)) {
            Some(index) => self.update_at(index, change),
            None => Ok(()),
        }
    }

    /// The same for the variant at a place of the record.
    pub(super) fn update_at(&mut self, index: usize, change: impl FnOnce(&mut Variant)) -> Result<(), MeasureError> {
        let entry = &mut self.record.variants[index];
        let mut changed = entry.clone();
        change(&mut changed);
        self.masked.variant(&mut changed);
        if changed != *entry {
            self.journal.append(&[Line::Variant(Box::new(changed.clone()))])?;
            *entry = changed;
        }
        Ok(())
    }

    /// Removes what the run made and reports what is in doubt; `None` if nothing was removed.
    async fn clean(&mut self, observer: &mut dyn Observer) -> Option<CleanReport> {
        if self.options.keep {
            return None;
        }
        observer.event(&Event::Cleaning);
        let cut = self.ledger.is_building();
        if let Err(error) = self.ledger.cut() {
            observer.event(&Event::Warning(&format!("the end of the last build is not on disk: {error}")));
        }
        match clean_after(self.engine, self.ledger.ownership(), Removal::Remove, cut).await {
            Ok(report) => {
                observer.event(&Event::Cleaned(&report));
                for line in &report.left {
                    observer.event(&Event::Warning(&format!("left in place: {line}")));
                    self.record.findings.push(Finding {
                        code: "left-on-engine".into(),
                        message: self.masked.text(line),
                        instruction: String::new(),
                        size_bytes: Bytes::ZERO,
                        remedy: String::new(),
                    });
                }
                Some(report)
            }
            Err(error) => {
                observer.event(&Event::Warning(&format!(
                    "what the run made on the engine could not be removed: {error}; `tonnage clean` tries again"
                )));
                None
            }
        }
    }

    async fn finish(mut self, stop: Stop, observer: &mut dyn Observer) -> Result<Outcome, MeasureError> {
        let cleaning = Instant::now();
        let cleaned = match &stop {
            Stop::Engine(error) if error.is_lost() => None,
            _ => self.clean(observer).await,
        };
        self.spent.cleaning_ns = Nanos::from(cleaning.elapsed());
        let elapsed = self.account();
        self.journal.append(&[elapsed])?;
        self.record.environment.host.load_after = machine::load_average().unwrap_or_default();
        self.record.finished_at = now_utc();
        let (record, against) = match self.beside {
            Some(beside) => beside.apart(self.record),
            None => (self.record, None),
        };
        self.record = record;
        let failed = self
            .record
            .variants
            .iter()
            .any(|variant| matches!(variant.outcome, VariantOutcome::BuildFailed | VariantOutcome::ServeFailed));
        let (ended, exit, lost) = match stop {
            Stop::Complete => (Ended::Complete, if failed { Exit::VariantFailed } else { Exit::Done }, None),
            Stop::OutOfTime => (Ended::OutOfTime, if failed { Exit::VariantFailed } else { Exit::Done }, None),
            Stop::Interrupted if cleaned.is_some() || self.options.keep => {
                (Ended::Interrupted, Exit::Interrupted, None)
            }
            Stop::Interrupted => (Ended::Interrupted, Exit::NotCleaned, None),
            Stop::Engine(error) => (Ended::EngineLost, Exit::NoEngine, Some(error)),
        };
        self.record.ended = ended;
        record::write(&self.options.out, &self.record)?;
        if let Some(against) = &against {
            against.write(&self.options.out)?;
        }
        if ended == Ended::Complete {
            self.journal.finish()?;
        }
        if cleaned.as_ref().is_some_and(CleanReport::is_whole) {
            self.ledger.forget()?;
        }
        Ok(Outcome { record: self.record, against, exit, lost })
    }
}

/// How a build that is not measured ended.
pub(super) enum Primed {
    Image(String),
    Failed(BuildFailure),
    Interrupted,
}

/// What takes values out of the texts of a run.
fn mask(
    variants: &[&suite::Variant],
    build_args: &BTreeMap<String, String>,
    suite: &Suite,
    options: &RunOptions,
) -> Masked {
    let mut masked = Masked::default();
    for variant in variants {
        masked.add_variant(variant, build_args);
    }
    for value in suite.build.site_env.values().chain(options.site_env.values()) {
        masked.hide_credentials(value);
    }
    for content in options.secrets.0.values() {
        masked.hide_secret(&String::from_utf8_lossy(content));
    }
    masked
}

/// Whether the engine never removes the folder of a layer that it had already when it was built: `BuildKit` in a Docker
/// Engine with a graph driver (moby/moby#46136; `RegisterByGraphID` in its layer/migration.go). A file that is copied
/// into the root folder would be kept once for each cold build, out of reach of every clean-up, so those builds are given
/// files of another age, which neither the cache nor any size depends on.
fn leaves_equal_layers(facts: &record::Engine) -> bool {
    facts.builder == Builder::Buildkit && facts.image_store == ImageStore::Graphdriver
}

/// Whether an entry of the record is that of a variant.
fn is_of(entry: &Variant, variant: &suite::Variant) -> bool {
    (&entry.name, entry.side) == (&variant.name, variant.side)
}

/// Whether a step is the first of its variant's turn in the round.
fn begins_turn(steps: &[Step], position: usize) -> bool {
    let turn = |step: &Step| (step.round, step.variant, step.twin);
    position == 0 || turn(&steps[position - 1]) != turn(&steps[position])
}

fn now_utc() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
